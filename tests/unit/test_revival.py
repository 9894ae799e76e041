"""Parts of Kafka's client that die again as soon as they are begun again."""

import asyncio
from typing import Any

import pytest
from fakes import Clock
from structlog.testing import capture_logs

from worker import clocks
from worker.kafka.revival import AGAIN_AFTER, rejoin, revive_fetcher

POLLS_A_SECOND = 10


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(100.0)
    monkeypatch.setattr(clocks, "monotonic", clock)
    return clock


class Dying:
    """The client's parts, as much of them as is looked at: the tasks of both end as soon as they begin."""

    _subscription: Any
    _closed = False
    _heartbeat_task = _commit_refresh_task = None

    def __init__(self):
        self._subscription = self
        self.subscription = None
        self.joins, self._pending_tasks = 0, set()
        self._closing = asyncio.get_running_loop().create_future()
        self._coordination_task = asyncio.create_task(self._coordination_routine())
        self._fetch_task = asyncio.create_task(self._fetch_requests_routine())
        self._coordinator = self._fetcher = self

    async def _coordination_routine(self):
        raise MemoryError

    async def _fetch_requests_routine(self):
        raise MemoryError

    def request_rejoin(self):
        self.joins += 1


@pytest.mark.parametrize(
    ("revive", "event"), [(rejoin, "membership.revived"), (revive_fetcher, "fetcher.revived")], ids=["group", "fetcher"]
)
async def test_a_part_that_dies_at_once(clock, revive, event):
    """It is begun again at once, and then every few seconds: neither the log nor the group hears of it at each poll."""
    client: Any = Dying()
    await asyncio.sleep(0)
    with capture_logs() as lines:
        for _ in range(int(3 * AGAIN_AFTER * POLLS_A_SECOND)):
            revive(client)
            await clock.pause(1 / POLLS_A_SECOND)
            await asyncio.sleep(0)
    assert 3 <= len(lines) <= 4
    assert {(each["event"], each["error"]) for each in lines} == {(event, "MemoryError")}
    assert client.joins <= 4


async def test_two_clients(clock):
    """Each has a revival of its own."""
    first, second = Dying(), Dying()
    await asyncio.sleep(0)
    with capture_logs() as lines:
        rejoin(first)  # type: ignore[arg-type]  # as much of it as it takes
        rejoin(second)  # type: ignore[arg-type]  # as above
    assert len(lines) == 2
