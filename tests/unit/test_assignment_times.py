"""By whose clock a partition's events grow old: the log's, never ours."""

from dataclasses import replace
from uuid import UUID

import pytest
from fakes import FakeJournalTopic

from worker.journal.entries import Finished
from worker.journal.lease import Moment
from worker.journal.terms import Terms
from worker.model.outcomes import Succeeded
from worker.model.progress import Progress
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots

CREATED = Succeeded("2801", "/c/2801", "individual", 1)
HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400
START = 1_764_000_000


class Ours:
    """Our own clocks; the wall's may be wrong from the beginning, or be set."""

    def __init__(self, wrong):
        self.boot, self.wrong = 1_000.0, wrong

    def now(self):
        return Moment(self.boot, START + self.boot + self.wrong)


class World:
    """A partition whose topic is dated by the brokers or not at all."""

    def __init__(self, wrong=0.0, *, dated=True):
        self.ours = Ours(wrong)
        clock = (lambda: int((START + self.ours.boot) * 1000)) if dated else None
        self.topic = FakeJournalTopic(clock=clock, terms=Terms(window=DAY))
        self.offset = 0

    async def open(self):
        # No clock of the machine that runs the tests is asked.
        restored = replace(await self.topic.claim(0), claimed=self.ours.now())
        self.assignment = Assignment(0, restored, self.topic.append, Slots(8), self.topic.terms, self.ours.now)

    async def end(self):
        """One more record that is created and committed; the number of its event is its offset's."""
        self.offset += 1
        await self.assignment.write(UUID(int=self.offset), self.offset, Finished(CREATED))
        self.assignment.offsets.start(self.offset)
        self.assignment.offsets.finish(self.offset)
        self.assignment.stored(Progress(self.offset + 1))

    @property
    def known(self):
        return [event.int for event in self.assignment.journal]


WRONG = [0, DAY, -WEEK, 30 * DAY]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_window(wrong, dated):
    """It is as long as it is, however wrong our own clock, and whether or not a broker tells the time."""
    world = World(wrong, dated=dated)
    await world.open()
    await world.end()
    world.ours.boot += 23 * HOUR
    await world.end()
    assert world.known == [1, 2]
    world.ours.boot += 2 * HOUR
    await world.end()
    assert world.known == [2, 3]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("wrong", WRONG)
async def test_a_clock_that_is_set(wrong, dated):
    """Nothing is forgotten by that, and nothing kept."""
    world = World(dated=dated)
    await world.open()
    await world.end()
    world.ours.wrong = wrong
    world.ours.boot += HOUR
    await world.end()
    assert world.known == [1, 2]


async def test_what_another_worker_had_written():
    """The window goes on where the log's newest entry stands, after a claim as well."""
    world = World()
    await world.open()
    await world.end()
    world.ours.boot += 2 * DAY
    world.ours.wrong = -WEEK
    await world.open()
    await world.end()
    assert world.known == [2]
