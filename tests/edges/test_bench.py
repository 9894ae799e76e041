"""What the benchmarks compare with: the fake API answers like the real one, and the plain workers do all their work."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer
from bench import double as doubles
from bench.double import HERE, Double
from bench.observing import QUICK, measured
from bench.payloads import Backlog, body
from bench.processes import baseline
from bench.speed import contestants
from bench.stage import Stage, taken
from patience import PATIENCE

CREATE = "/system/ws/v12/interaction/customer"
LOG_IN = "/system/ws/v12/authentication/user/login?forceLogin=yes"
EVENTS = 30
ROOT = Path(__file__).parents[2]
LATENCY = 0.05


@pytest.fixture(params=["C", "Python"])
async def double(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Double]:
    """The fake API, in each of its two languages."""
    if request.param == "C" and not shutil.which("cc"):
        pytest.skip("no C compiler")
    program = [sys.executable, str(HERE / "responder.py")] if request.param == "Python" else None
    async with doubles.double(tmp_path, program) as opened:
        assert opened.language == request.param
        yield opened


@pytest.fixture
async def session(double: Double) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(double.url) as opened:
        yield opened


async def location(session: aiohttp.ClientSession, number: int, size: int = 1000) -> str:
    async with session.post(CREATE, data=body(number, size)) as answer:
        assert answer.status == 201
        return answer.headers["Location"]


async def test_a_login(double: Double, session: aiohttp.ClientSession):
    """A login is answered with a session, and does not count as a creation."""
    async with session.post(LOG_IN, data=b"{}") as answer:
        assert (answer.status, answer.headers["X-egain-session"]) == (204, "bench")
    assert double.creates == 0


async def test_creations_one_after_another(double: Double, session: aiohttp.ClientSession):
    """Creations of any size, one after the other, get ids of their own over one connection."""
    places = [await location(session, number, size) for number, size in enumerate((200, 1000, 20_000, 200_000))]
    assert len(set(places)) == double.creates == 4
    assert all(place.startswith(f"{CREATE}/") for place in places)
    assert double.connections == 1


async def test_creations_at_once_with_a_latency(double: Double, session: aiohttp.ClientSession):
    """Creations at once are all answered, none before the latency has passed."""
    double.reset(LATENCY)
    started = time.monotonic()
    places = await asyncio.gather(*[location(session, number) for number in range(EVENTS)])
    assert time.monotonic() - started >= LATENCY
    assert len(set(places)) == double.creates == EVENTS


async def test_a_request_in_pieces(double: Double):
    """A request that arrives in pieces is answered once it is whole."""
    host, port = double.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in (b"POST /x HT", b"TP/1.1\r\ncontent-length: 4\r\n\r", b"\nab", b"cd"):
        assert double.creates == 0
        writer.write(piece)
        await writer.drain()
    assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    assert double.creates == 1
    writer.close()
    await writer.wait_closed()


async def test_a_longest_gap(double: Double, session: aiohttp.ClientSession):
    """The longest gap between two creations is measured."""
    for number in range(3):
        await location(session, number)
    assert 0 < double.gap <= double.last - double.first


async def succeeded(kafka: str, topic: str) -> list[bytes | None]:
    """The keys of as many results as there are events."""
    async with (
        AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer,
        asyncio.timeout(PATIENCE),
    ):
        return [(await consumer.getone()).key for _ in range(EVENTS)]


async def test_the_plain_workers(kafka: str, tmp_path: Path):
    """Each plain worker creates each customer once and publishes each result."""
    async with doubles.double(tmp_path) as double:
        stage = Stage(kafka, tmp_path, double, {})
        requests = await stage.backlog(Backlog(EVENTS, partitions=2, size=200))

        async def keys(kind: str) -> list[bytes | None]:
            async with stage.topics(requests) as plan, baseline(stage, kind, plan, 200):
                return await succeeded(kafka, plan.succeeded)

        for found in await asyncio.gather(*[keys(kind) for kind in ("one", "partition", "gather")]):
            assert sorted(found, key=str) == sorted((b"k%d" % number for number in range(EVENTS)), key=str)
        assert double.creates == 3 * EVENTS
        await stage.delete([requests])


async def test_the_quick_bench(kafka: str, tmp_path: Path):
    """The shortest benchmark measures this checkout's worker and the bare loop."""
    backlog, scale = Backlog(1_500, partitions=2), replace(QUICK, warm_up=0.1, seconds=0.2)
    async with doubles.double(tmp_path) as double:
        stage = Stage(kafka, tmp_path, double, taken(ROOT, tmp_path / "now"))
        made = contestants(stage, backlog)
        windows = [await measured(stage, scale, made[name], backlog.events, 0) for name in ("on", "bare")]
        await stage.forget(backlog)
    assert all(window.rate > 0 and window.per_cpu > 0 and window.rss > 0 for window in windows)
