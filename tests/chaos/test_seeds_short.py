"""Short seeds; the long ones are played with tests/chaos/run."""

from dataclasses import replace

import pytest
from chaos.play import play
from chaos.troubles import Schedule, Step, Trouble
from chaos.verdict import judged

SHORT = Schedule(
    seed=1,
    events=240,
    keys=40,
    workers=2,
    look_up=False,
    form="json",
    noise=0.005,
    steps=(Step(60, Trouble.KILL, 0, 1), Step(70, Trouble.LOSE, 1), Step(150, Trouble.BUSY, 1)),
    # Kafka as it is allows no shorter one.
    settings={"WORKER_KAFKA__SESSION_TIMEOUT": "6"},
)
LOOKED_UP = replace(
    SHORT,
    seed=2,
    look_up=True,
    form="xml",
    noise=0,
    steps=(Step(60, Trouble.REFUSE, 0.5), Step(100, Trouble.TERM, 0, 2), Step(150, Trouble.NAP, 1, 1)),
)


@pytest.mark.parametrize("schedule", [SHORT, LOOKED_UP], ids=["plain", "looked-up"])
async def test_a_seed(tmp_path, kafka, schedule):
    """Nothing is made twice, lost, out of order or told wrongly; the logs are in the test's directory."""
    facts = await play(schedule, kafka, tmp_path)
    verdict = judged(facts)
    assert list(map(str, verdict.findings)) == []
    assert verdict.records == schedule.events
    assert verdict.executions > schedule.events / 2
    assert facts.lives > schedule.workers


async def test_a_worker_that_keeps_no_journal(tmp_path, kafka):
    """It is killed while the API's replies are on their way, and the verdict finds what it made twice."""
    schedule = replace(
        SHORT,
        events=150,
        workers=1,
        noise=0,
        steps=(Step(10, Trouble.SLOW, 6), Step(60, Trouble.KILL, 0, 1)),
        settings={**SHORT.settings, "WORKER_JOURNAL__ENABLED": "false"},
    )
    verdict = judged(await play(schedule, kafka, tmp_path))
    assert verdict.count("duplicate") > 0
