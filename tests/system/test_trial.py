from pathlib import Path

import orjson
import pytest
from aiohttp import web

from worker.kafka.connection import Connection
from worker.model.errors import ApiUnavailable, StartupError
from worker.sandbox.api import SandboxConfig, sandbox_api
from worker.sandbox.demo.control import remote_sandbox
from worker.sandbox.demo.performance import Performance
from worker.sandbox.demo.samples import load_samples
from worker.sandbox.demo.trial import judged, run_trial
from worker.settings import sources as configuration
from worker.topics import Plan

SAMPLES = [sample.name for sample in load_samples()]


class Unseen:
    """A screen that shows nothing."""

    def begin(self, what: str, total: int) -> None: ...
    def ended(self, name: str, ending: object) -> None: ...


def settings(world):
    return configuration.load(environment=world.environment, dotenv=Path("none"), secrets=Path("none"))


async def test_worker_and_sandbox_that_run_already(world, capsys) -> None:
    """A trial against a running worker judges only its own events, also a second time on the same topics."""
    await world.topics()
    sandbox = await world.sandbox(unique_emails=False)
    worker = await world.start(WORKER_OPS__PORT="0")
    for more in (0, 20):
        assert await run_trial(settings(world), more=more, as_json=True) == 0
        told = orjson.loads(capsys.readouterr().out)
        assert [event["event"] for event in told["events"]] == SAMPLES
        assert told["more"] == {"asked": more, "created": more, "perSecond": None}
    assert await worker.stop() == 0
    assert sandbox.ledger.created == 2 * 12 + 20
    assert not sandbox.ledger.duplicates


async def test_customer_made_twice(monkeypatch) -> None:
    """A customer created twice during the trial is told, one created twice before it is not."""
    async with sandbox_api(SandboxConfig()) as sandbox, remote_sandbox(sandbox.base_url) as remote:
        sandbox.ledger.append("before", "00", 201, 2801)
        sandbox.ledger.append("before", "00", 201, 2802)

        async def play(_: Performance) -> None:
            sandbox.ledger.append("meanwhile", "00", 201, 2803)
            sandbox.ledger.append("meanwhile", "00", 201, 2804)

        monkeypatch.setattr(Performance, "play", play)
        verdict = await judged(Performance(Connection("unused"), Plan(), [], 0, Unseen()), remote)
    assert verdict.problems == ("the API created 1 customer more than once",)


async def test_api_that_is_no_sandbox(world) -> None:
    """At an API that is no sandbox nothing is published: it may be somebody's CRM."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        world.environment["WORKER_API__BASE_URL"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with pytest.raises(StartupError, match="is no sandbox"):
            await run_trial(settings(world), more=0, as_json=True)
    finally:
        await runner.cleanup()


async def test_sandbox_that_is_away() -> None:
    """A sandbox that does not answer is named with the error."""
    with pytest.raises(ApiUnavailable, match=r"http://127\.0\.0\.1:1: ClientConnectorError"):
        async with remote_sandbox("http://127.0.0.1:1"):
            pass


async def test_look_up(world, capsys) -> None:
    """With a look-up the customer of a lost answer is found, and no event is parked."""
    await world.topics()
    await world.sandbox(unique_emails=False, identity_attribute=None)
    world.hurry(look_up=True)
    worker = await world.start()
    assert await run_trial(settings(world), more=0, as_json=True) == 0
    told = orjson.loads(capsys.readouterr().out)
    assert [event["event"] for event in told["events"] if event["resolution"] == "reconciled"] == ["reply-lost"]
    assert await worker.stop() == 0
