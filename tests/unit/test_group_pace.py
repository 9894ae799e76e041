"""Records on their way to the moments of the group: workers in virtual time, judged by when they send."""

import asyncio
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import most_within
from simulation.loop import VirtualLoop

from worker.creation.group_pace import GroupPace
from worker.creation.share import BEGINS_AFTER, ON_TIME, Share, interval, most_in_a_second
from worker.model.errors import Draining
from worker.partition.drain import Drain


@contextmanager
def virtual_time(seed=1):
    """A loop whose time jumps from timer to timer; all clocks are its own."""
    loop = VirtualLoop(Random(seed))  # noqa: S311  draws the order of callbacks
    clocks: dict[str, Any] = {"time": lambda: 1_800_000_000.0 + loop.time(), "monotonic": loop.time}
    with patch.multiple(time, **clocks):
        yield loop
    loop.close()


@dataclass
class Worker:
    """Sends what it is given as soon as it may, after some time in which the record is made ready."""

    rate: float = 20
    partitions: int = 6
    ready_after: float = 0.01
    sent: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self):
        self.drain = Drain()
        self.pace = GroupPace(Share(self.rate, lambda: self.partitions))

    async def send(self, partition, *, first=False):
        with await self.pace.place(partition, self.drain.unless, first=first) as place:
            await asyncio.sleep(self.ready_after)
            while wait := place.wait():
                await asyncio.sleep(wait)
            place.leave()
            self.sent.append((time.time(), partition))

    def has(self, *backlog):
        """So many records each of those partitions."""
        return [asyncio.ensure_future(self.send(number)) for number, count in backlog for _ in range(count)]


async def all_of(tasks):
    await asyncio.gather(*tasks, return_exceptions=True)


def played(story, seed=1):
    with virtual_time(seed) as loop:
        return loop.run_until_complete(story())


def test_no_limit():
    """Nobody waits, and no moment is taken."""

    async def story():
        place = await GroupPace().place(0, Drain().unless)
        return place.wait(), GroupPace().somebody_waits()

    assert played(story) == (0.0, False)


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([5, 10, 20, 60]),
    changes=st.lists(st.lists(st.integers(0, 5), min_size=6, max_size=6), min_size=1, max_size=4),
    ready_after=st.sampled_from([0.0, 0.02, 0.4]),
    seed=st.integers(0, 9),
)
def test_any_rebalances_under_load(rate, changes, ready_after, seed):
    """No second has more than 1.1 times the rate, whichever of six workers has which partitions when."""

    async def story():
        workers = [Worker(rate, ready_after=ready_after) for _ in range(6)]
        for owners in changes:
            for worker in workers:
                worker.drain = Drain()
            for partition, owner in enumerate(owners):
                workers[owner].pace.gain(partition)
            tasks = [task for number, owner in enumerate(owners) for task in workers[owner].has((number, 2 * rate))]
            await asyncio.sleep(3)
            for worker in workers:
                worker.drain.set()
            await all_of(tasks)
            for partition, owner in enumerate(owners):
                workers[owner].pace.lose(partition)
        return [moment for worker in workers for moment, _ in worker.sent]

    sent = played(story, seed)
    assert most_within(1, sent) <= most_in_a_second(rate)
    assert len(sent) >= len(changes) * (3 - BEGINS_AFTER - 0.5) * rate * 0.9


def test_a_partition_without_backlog_lends_its_share():
    """All moments of the worker are used by the one partition that has something to send."""

    async def story():
        worker = Worker(rate=30)
        for number in (0, 1, 2):
            worker.pace.gain(number)
        await all_of(worker.has((1, 60)))
        return worker.sent

    sent = played(story)
    assert sent[-1][0] - sent[0][0] == pytest.approx(60 * 2 * interval(30), abs=0.2)


def test_partitions_with_backlog():
    """Each has its part: what came later to a short queue does not wait for a long one."""

    async def story():
        worker = Worker(rate=60)
        for number in range(6):
            worker.pace.gain(number)
        long = worker.has((0, 300))
        await asyncio.sleep(BEGINS_AFTER + 1)
        worker.sent.clear()
        await all_of(worker.has((3, 20), (4, 20)))
        for each in long:
            each.cancel()
        await all_of(long)
        return Counter(partition for _, partition in worker.sent)

    counted = played(story)
    assert abs(counted[0] - 20) <= 2


def test_a_probe():
    """It goes before all others."""

    async def story():
        worker = Worker()
        worker.pace.gain(0)
        waiting = worker.has((0, 50))
        await asyncio.sleep(BEGINS_AFTER + 1)
        before = len(worker.sent)
        await worker.send(7, first=True)
        sent = len(worker.sent) - before
        worker.drain.set()
        await all_of(waiting)
        return sent

    assert played(story) <= 3


def test_nothing_is_saved_up():
    """After a time in which nothing was to be sent, or could be, records go one after another as ever."""

    async def story():
        worker = Worker(rate=20)
        for number in range(6):
            worker.pace.gain(number)
        await asyncio.sleep(60)
        worker.ready_after = 5.0  # as when Kafka acknowledges nothing
        stuck = worker.has((0, 40))
        await asyncio.sleep(4)
        worker.ready_after = 0.01
        await all_of(stuck + worker.has((1, 40)))
        return [moment for moment, _ in worker.sent]

    sent = played(story)
    assert most_within(1, sent) <= most_in_a_second(20)
    assert len(sent) == 80


def test_a_drain_while_a_place_is_waited_for():
    """It ends the wait; what waited takes no moment from those who come after it."""

    async def story():
        worker = Worker(rate=2)
        for number in range(6):
            worker.pace.gain(number)
        waiting = worker.has((0, 500))
        await asyncio.sleep(1)
        worker.drain.set()
        await all_of(waiting)
        kinds = {type(each.exception()) for each in waiting if each.exception()}
        worker.drain, since = Drain(), time.time()
        await all_of(worker.has((0, 1)))
        return kinds, worker.sent[-1][0] - since

    kinds, waited = played(story)
    assert kinds == {Draining}
    assert waited <= 2 * interval(2)


def test_a_place_that_is_not_used():
    """Whoever gives it back without sending keeps nobody waiting."""

    async def story():
        worker = Worker(rate=10)
        worker.pace.gain(0)
        for _ in range(20):
            (await worker.pace.place(0, worker.drain.unless)).give_back()
        await worker.send(0)
        return worker.pace._in_line, worker.pace.somebody_waits()

    assert played(story) == (0, False)


def test_a_low_rate():
    """The place comes shortly before the moment, however long that takes: an intent must not grow old."""

    async def story():
        worker = Worker(rate=0.1)
        worker.pace.gain(3)
        place = await worker.pace.place(3, worker.drain.unless)
        wait = place.wait()
        await asyncio.sleep(wait)
        again = place.wait()
        await asyncio.sleep(2 * ON_TIME)
        return wait, again, place.wait()

    wait, again, missed = played(story)
    assert wait <= BEGINS_AFTER
    assert again == 0
    assert missed == pytest.approx(60, abs=1)
