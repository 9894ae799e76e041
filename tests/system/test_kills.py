"""A worker is killed at every step of a record, and a second one goes on; judged by the API's own ledger."""

import signal
from dataclasses import dataclass
from typing import Any

import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, Verdict, identity, judged, requested

REFUSED = {"kind": "status", "status": 503, "times": 1}
LOST = {"kind": "reply_lost", "times": 1}
EXECUTED = {"kind": "delay_after", "seconds": 60, "times": 1}
LATE = {"kind": "delay_before", "seconds": 1, "times": 1}
INVALID = {"pin": "x" * 256}


@dataclass(frozen=True)
class Case:
    """The step at which the worker of the first of three records is killed, and how that record must end."""

    step: str
    side: str
    ends: frozenset[str]
    executions: int
    fault: dict[str, Any] | None = None
    look_up: bool = False
    elements: dict[str, Any] | None = None
    journal: bool = True

    @property
    def in_flight(self):
        """How the other records may end too: after the first one's outcome the next POST may already be under way."""
        return {"outcome_unknown"} if self.step in {"finished", "dead_letter", "result", "commit"} else set()

    def __str__(self):
        kind = "looked-up" if self.look_up else "plain" if self.journal else "forgetful"
        return f"{kind}-{self.step}-{self.side}"


def plain(step, side, ends, executions, fault=None, elements=None):
    return Case(step, side, frozenset(ends.split()), executions, fault, elements=elements)


def looked_up(step, side, ends, fault=None):
    return Case(step, side, frozenset(ends.split()), 1, fault, look_up=True)


CASES = [
    plain("claim", "before", "created", 1),
    plain("claim", "after", "created", 1),
    plain("intent", "before", "created", 1),
    plain("intent", "after", "outcome_unknown", 0),
    plain("post", "before", "outcome_unknown", 0),
    plain("post", "executed", "outcome_unknown", 1, EXECUTED),
    plain("post", "late", "outcome_unknown", 1, LATE),
    plain("post", "after", "outcome_unknown", 1),
    plain("released", "before", "outcome_unknown", 0, REFUSED),
    plain("released", "after", "created", 1, REFUSED),
    plain("finished", "before", "outcome_unknown", 1),
    plain("finished", "during", "created outcome_unknown", 1),
    plain("finished", "after", "created", 1),
    plain("dead_letter", "before", "invalid_customer", 0, elements=INVALID),
    plain("dead_letter", "after", "invalid_customer", 0, elements=INVALID),
    plain("result", "during", "created", 1),
    plain("commit", "after", "created", 1),
    looked_up("intent", "after", "created"),
    looked_up("post", "executed", "reconciled", EXECUTED),
    looked_up("post", "late", "reconciled", LATE),
    looked_up("post", "after", "reconciled"),
    looked_up("search", "after", "reconciled", LOST),
]


@dataclass(frozen=True)
class Ending:
    """What the test judges: the verdict, the committed offsets, how often the first record's POST was executed."""

    verdict: Verdict
    committed: dict[int, int | None]
    executions: int


async def kill(world, case, sandbox):
    """Start a worker and return once it was killed at that step."""
    if case.side in {"executed", "late"}:
        worker = await world.start()
        await worker.once(lambda: bool(sandbox.faults.active[0].hits))
        assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL
    else:
        worker = await world.launch(case.step, case.side, signal.SIGKILL)
        assert await worker.ended() == -signal.SIGKILL, worker.text


async def play(world, case):
    await world.topics()
    world.hurry(look_up=case.look_up, WORKER_JOURNAL__ENABLED=str(case.journal))
    sandbox = await world.sandbox(*([case.fault] if case.fault else []), identity_attribute=NOT_LOOKED_AT)
    names = ["victim", "second", "third", "last"]
    values = [requested("victim", **(case.elements or {})), requested("second"), requested("third")]
    await world.publish(*values, key=b"k", headers=STRUCTURED)
    await kill(world, case, sandbox)
    worker = await world.start()
    # Under the same key, so that it is finished last; committed records are not finished a second time.
    await world.publish(requested("last"), key=b"k", headers=STRUCTURED)
    await worker.until("record.finished", offset=3)
    assert await worker.stop() == 0
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    asked = [Asked(0, offset, name) for offset, name in enumerate(names)]
    return Ending(
        judged(asked, sandbox.ledger, told), await world.committed(), sandbox.ledger.executions(identity("victim"))
    )


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_worker_killed_at(played, case):
    """The second worker ends every record once, creates none twice, and parks one as unknown only where it must."""
    ended = await played[str(case)]
    assert ended.verdict.problems == ()
    assert ended.verdict.endings[0, 0] in case.ends
    assert {ended.verdict.endings[0, offset] for offset in (1, 2, 3)} - case.in_flight == {"created"}
    assert ended.executions == case.executions
    assert ended.committed[0] == 4


FORGETFUL = Case("post", "after", frozenset({"created"}), 2, journal=False)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", [FORGETFUL], ids=str)
async def test_a_worker_without_a_journal(played, case):
    """Without the journal the same kill creates the customer twice, and the verdict says so."""
    ended = await played[str(case)]
    assert ended.executions == case.executions
    assert (ended.verdict.duplicates, len(ended.verdict.problems)) == (1, 1)
    assert "victim was created 2 times" in ended.verdict.problems[0]
