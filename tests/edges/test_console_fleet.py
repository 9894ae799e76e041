"""How the console asks the workers: all at once, with a time limit, and once for all who look."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from fakes import Clock

from worker.console.now import fleet
from worker.console.now.replicas import Replica, Silent
from worker.console.now.watching import FRESH, Watching
from worker.kafka.connection import Connection

RUNNING = {"state": "running", "partitions": [{"partition": 0, "blocking": {"offset": 7, "reason": "post"}}]}
NOWHERE = Connection("127.0.0.1:1", request_timeout=1)


@asynccontextmanager
async def answering(
    *answers: Callable[[], Awaitable[web.StreamResponse]], host: str = "127.0.0.1"
) -> AsyncIterator[tuple[int, list[int]]]:
    """(a port whose `/status` gives these answers in turn, the last one from then on; how often it was asked)."""
    asked: list[int] = []

    async def status(_: web.Request) -> web.StreamResponse:
        asked.append(len(asked))
        return await answers[min(len(asked), len(answers)) - 1]()

    app = web.Application()
    app.add_routes([web.get("/status", status)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


def telling(told: Any) -> Callable[[], Awaitable[web.StreamResponse]]:
    async def answer() -> web.StreamResponse:
        return web.json_response(told)

    return answer


async def moved() -> web.StreamResponse:
    raise web.HTTPFound("http://127.0.0.1:1/elsewhere")


async def endless() -> web.StreamResponse:
    return web.Response(body=b'{"state": "' + b"x" * (fleet.LARGEST + 1) + b'"}')


async def text() -> web.StreamResponse:
    return web.Response(text="<html>")


async def never() -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (moved, "answered 302"),
        (endless, "answers, and is no worker of ours"),
        (text, "answers, and is no worker of ours"),
        (telling([]), "answers, and is no worker of ours"),
        (telling({"up": True}), "answers, and is no worker of ours"),
    ],
)
async def test_what_is_no_worker(answer, why):
    """Something that is no worker is told as that; no redirect is followed, and not more than the limit is read."""
    async with answering(answer) as (port, _):
        assert await fleet.ask([f"127.0.0.1:{port}"]) == fleet.Fleet((), (Silent(f"127.0.0.1:{port}", why),))


async def test_whoever_does_not_answer(monkeypatch):
    """A worker that does not answer is given up after a moment, and told with the reason."""
    monkeypatch.setattr(fleet, "WITHIN", 0.2)
    async with answering(never) as (port, _), answering(telling(RUNNING)) as (other, _):
        found = await fleet.ask([f"127.0.0.1:{port}", f"127.0.0.1:{other}", "127.0.0.1:1", "no-such-host.invalid:80"])
    assert [each.address for each in found.replicas] == [f"127.0.0.1:{other}"]
    assert {each.address: each.why for each in found.silent} == {
        f"127.0.0.1:{port}": "no answer within 0.2 s",
        "127.0.0.1:1": "no connection",
        "no-such-host.invalid:80": "no such host",
    }


async def test_a_replica_with_several_names():
    """A worker that is reached by several addresses counts once, by the instance that it names."""
    async with answering(telling({**RUNNING, "instance": "a:1"})) as (port, asked):
        found = await fleet.ask([f"127.0.0.1:{port}", f"localhost:{port}", f"127.0.0.2:{port}"])
    assert len(found.replicas) == 1
    assert [each for each in found.silent if "::1" in each.address] == []
    assert len(asked) >= 1


async def test_more_addresses_than_are_asked(monkeypatch):
    """Addresses beyond the limit are not asked, but counted."""
    monkeypatch.setattr(fleet, "MOST", 2)
    found = await fleet.ask(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"])
    assert (len(found.silent), found.left_out) == (2, 1)


async def test_ten_tabs():
    """Ten requests at once ask the workers once; a little later they are asked anew."""
    clock = Clock(1_000.0)
    async with answering(telling(RUNNING)) as (port, asked):
        watching = Watching((f"127.0.0.1:{port}",), NOWHERE, "t", "g", clock)
        first = await asyncio.gather(*(watching.now() for _ in range(10)))
        assert len(asked) == 1
        assert all(each is first[0] for each in first)
        clock.now += FRESH
        await watching.now()
        assert len(asked) == 2
        await watching.close()


async def test_a_record_that_does_not_move():
    """It is known how long a blocking record has been seen; the next record begins at zero."""
    moves = {"state": "running", "partitions": [{"partition": 0, "blocking": {"offset": 8, "reason": "post"}}]}
    clock = Clock(1_000.0)
    async with answering(telling(RUNNING), telling(RUNNING), telling(moves)) as (port, _):
        watching = Watching((f"127.0.0.1:{port}",), NOWHERE, "t", "g", clock)
        seen = []
        for _ in range(3):
            seen.append((await watching.now()).stands)
            clock.now += 30
        assert seen == [{0: 0.0}, {0: 30.0}, {0: 0.0}]
        await watching.close()


async def test_a_kafka_that_is_not_there():
    """Without a Kafka the error is told beside what the workers say."""
    async with answering(telling(RUNNING)) as (port, _):
        watching = Watching((f"127.0.0.1:{port}",), NOWHERE, "t", "g")
        now = await watching.now()
        assert isinstance(now.overview, str)
        assert "WORKER_KAFKA__BOOTSTRAP_SERVERS" in now.overview
        assert isinstance(now.owned[0][0], Replica)
        assert (now.members, now.total_lag) == (None, (None, False))
        await watching.close()
