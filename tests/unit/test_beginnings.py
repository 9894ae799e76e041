"""Where a partition is read from: what the group has stored, the log and the journal decide, and nothing is guessed."""

import asyncio
from functools import partial
from uuid import UUID

import pytest
import structlog
from fakes import FakeJournalTopic, FakeSource
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE, until
from structlog.testing import capture_logs

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Hold, HoldReason, Holds
from worker.intake import beginnings
from worker.intake.beginnings import Bearings, Beginnings, Begins, Expired, GoesOn, Lost, place
from worker.intake.dispatch import Dispatch
from worker.intake.intake import Intake
from worker.intake.timings import Timings
from worker.journal.entries import EntryKey, Finished, encode
from worker.journal.journal import PartitionJournal
from worker.kafka.begun import began_with
from worker.kafka.committed_note import Note
from worker.measures import Measures
from worker.model.errors import KafkaUnavailable
from worker.model.outcomes import Succeeded
from worker.model.progress import Progress
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.stopping import Stopping

LOST = Hold(HoldReason.OFFSETS_LOST, 0)
CREATED = Succeeded("1", "/1", "individual", 1)


@pytest.mark.parametrize(
    ("stored", "first", "end", "began", "events", "found"),
    [
        (None, 0, 0, None, 0, Begins("latest", 0)),
        (None, 5, 9, None, 0, Begins("latest", 9)),
        (None, 5, 9, 4, 0, Begins("latest", 9)),  # nobody came to it before the group had stored others
        (None, 5, 9, 3, 0, Begins("earliest", 9)),  # it was added since
        (None, 5, 9, 0, 0, Begins("earliest", 9)),  # the group is older than its notes
        (7, 5, 9, 4, 0, GoesOn(7)),
        (5, 5, 9, 4, 3, GoesOn(5)),
        (9, 5, 9, 4, 3, GoesOn(9)),
        (0, 0, 0, 4, 3, GoesOn(0)),
        (4, 5, 9, 4, 3, Expired(4, 5)),
        (4, 9, 9, 4, 0, Expired(4, 9)),
    ],
)
def test_a_place(stored, first, end, began, events, found):
    """Of the partition 3, of a group that shall begin at the log's end."""
    assert place(Bearings("t", 3, stored, first, end, began), events, "latest") == found


@pytest.mark.parametrize(
    ("stored", "first", "end", "events", "told"),
    [
        (None, 5, 9, 2, "no offset is stored, although the journal knows 2 events, and the log holds offsets 5 to 8"),
        (10, 5, 9, 0, "offset 10 is stored, and the log holds offsets 5 to 8"),
        (10, 0, 0, 7, "offset 10 is stored, and the log holds nothing (next: 0)"),
    ],
)
def test_a_place_that_is_lost(stored, first, end, events, told):
    """It is told with all that a person needs to decide, and the command that tells the decision."""
    found = place(Bearings("t", 3, stored, first, end, 4), events, "earliest")
    assert found == Lost(
        f"t/3: {told}; workers stopped: customer-worker offsets set 3 earliest|latest|OFFSET|TIME --yes"
    )


@given(st.none() | st.integers(0, 20), st.integers(0, 10), st.integers(0, 10), st.integers(0, 3))
def test_any_place(stored, first, size, events):
    """It lies in the log, and nothing that is still there is passed over without somebody having said so."""
    match place(Bearings("t", 0, stored, first, first + size, 1), events, "earliest"):
        case GoesOn(at):
            assert at == stored
            assert first <= at <= first + size
        case Expired(since, to):
            assert (since, to) == (stored, first)
            assert since < to
        case Begins(at, _):
            assert (stored, events, at) == (None, 0, "earliest")
        case Lost():
            assert events if stored is None else stored > first + size


class Stored:
    def __init__(self, offset, metadata):
        self.offset, self.metadata = offset, metadata


@pytest.mark.parametrize(
    ("stored", "known"),
    [
        ([], None),
        ([Stored(-1, "")], None),
        ([Stored(-1, ""), Stored(0, "")], 0),
        ([Stored(0, Note(6).encode()), Stored(3, "")], 6),
        ([Stored(0, "by hand")], 0),
    ],
)
def test_how_many_partitions_a_group_began_with(stored, known):
    """As any offset's note says; offsets of other tools, and of earlier versions, have none."""
    assert began_with(stored) == known


def records(*offsets):
    return [Record("requests", 0, offset, 0, None, b"{}") for offset in offsets]


QUICK = Timings(poll=0.001, kafka_again_after=0.001, commit_every=0.001, look_again_after=0.001, agreed_after=0.001)


class World:
    """An intake over fakes, of a group that has stored nothing; `seen` are the offsets that were handled."""

    def __init__(self, start="earliest"):
        self.topic, self.source, self.seen = FakeJournalTopic(), FakeSource(new=True), list[int]()
        self.slots, self.measures = Slots(8), Measures()
        self.holds = Holds(Breaker(10, Backoff(1, 1)))
        self.dispatch = Dispatch(self.process, self.slots, max_uncommitted=100)
        self.intake = Intake(self.dispatch, self.claimed, self.holds, 5, self.measures, start, QUICK)
        self.go = asyncio.Event()
        self.go.set()
        self.stopping = Stopping()
        self.task = asyncio.create_task(self.intake.run(self.source, self.stopping))

    async def claimed(self, partition, kept, committed):
        return Assignment(partition, await self.topic.claim(partition, kept, committed), self.topic.append, self.slots)

    async def process(self, record, assignment, outcome_known):
        await self.go.wait()
        self.seen.append(record.offset)
        return CREATED

    async def known(self, offset):
        """The journal knows how that record ended."""
        key = EntryKey(UUID(int=offset + 1), offset, "earlier").encode()
        await self.topic.append(0, key, encode(Finished(CREATED)), lambda _: None)

    async def gap(self):
        """Somebody who had the partition before has written to its journal late."""
        (assignment,) = self.dispatch.assignments()
        assignment.restored.fence.acknowledged(1_000)
        return assignment

    def expired(self):
        """As the next owner would find it."""
        journal = PartitionJournal()
        for number, each in enumerate(self.topic.topics.logs["journal", 0]):
            journal.apply_raw(each.key or b"", each.value or b"", number, each.headers)
        return journal.expired

    async def until(self, condition):
        await until(condition, within=PATIENCE, every=0.001)

    async def rounds(self, count=5):
        """The intake has polled so many times more: what it was going to do by now is done."""
        wanted = self.source.polls + count
        await self.until(lambda: self.source.polls >= wanted)

    async def stop(self):
        self.stopping.set()
        return await asyncio.wait_for(self.task, PATIENCE)


@pytest.fixture
async def world(monkeypatch):
    made = World()
    yield made
    made.task.cancel()


@pytest.mark.parametrize(("start", "stored", "seen"), [("earliest", 4, [4, 5]), ("latest", 6, [])])
async def test_a_first_start(monkeypatch, start, stored, seen):
    """What it begins at is stored before a record is taken, and told with how many there are: a crash from then on
    finds an offset.
    """
    monkeypatch.setattr(beginnings, "log", structlog.get_logger())
    with capture_logs() as lines:
        await first_start(start, stored, seen)
    (begun,) = [line for line in lines if line["event"] == "partition.started"]
    assert (begun["offset"], begun["at_most"]) == (stored, len(seen))


async def first_start(start, stored, seen):
    world = World(start)
    world.go.clear()
    world.source.firsts[0] = 4
    world.source.put(records(4, 5))
    world.intake.assigned([0])
    await world.until(lambda: world.dispatch.ready() == [0])
    assert world.source.commits == [{0: stored}]
    world.go.set()
    world.source.put(records(6))
    await world.until(lambda: world.seen == [*seen, 6])
    assert await world.stop()


async def test_a_crash_before_the_first_offset(world):
    """There are claims, and nothing else: it is a first start still."""
    for _ in range(3):
        await world.topic.claim(0)
    world.source.put(records(0))
    world.intake.assigned([0])
    await world.until(lambda: world.seen == [0])
    assert world.source.commits[0] == {0: 0}


async def test_a_first_offset_that_cannot_be_stored(world):
    """Nothing is taken before it is."""
    world.source.failures.extend([KafkaUnavailable("away")] * 3)
    world.source.put(records(0))
    world.intake.assigned([0])
    await world.until(lambda: not world.source.failures)
    await world.until(lambda: world.seen == [0])
    assert world.source.commits[0] == {0: 0}


async def test_a_partition_that_is_added(monkeypatch):
    """It begins at its beginning, whatever a first start does."""
    world = World("latest")
    world.source.stored[1], world.source.began_with = 7, 0
    world.source.put(records(0, 1))
    world.intake.assigned([0])
    await world.until(lambda: world.seen == [0, 1])
    assert await world.stop()


async def test_offsets_that_are_gone(world):
    """The partition is held: the journal knows more of it than the group. Once somebody stores one, it goes on."""
    await world.known(0)
    world.source.put(records(0, 1, 2))
    world.intake.assigned([0])
    await world.until(lambda: LOST in world.holds.details())
    (_, detail) = world.holds.details()[LOST]
    assert "no offset is stored, although the journal knows 1 event" in detail
    await world.rounds()
    assert (world.seen, world.source.commits) == ([], [])
    world.source.stored[0] = 1
    await world.until(lambda: world.seen == [1, 2])
    assert LOST not in world.holds.details()


async def test_a_hold_of_a_partition_that_is_taken(world):
    """It ends with that."""
    await world.known(0)
    world.intake.assigned([0])
    await world.until(lambda: LOST in world.holds.details())
    await world.intake.revoked([0])
    await world.until(lambda: not world.holds.details())


async def test_records_that_were_deleted_before_a_start(world):
    """It begins behind them, and says so in the log, as a metric, in the journal and to the group."""
    world.source.stored[0], world.source.firsts[0] = 2, 5
    world.source.put(records(5))
    with capture_logs() as lines:
        world.intake.assigned([0])
        await world.until(lambda: world.seen == [5])
    assert [line for line in lines if line["event"] == "records.expired"] == [
        {"event": "records.expired", "log_level": "error", "partition": 0, "first": 2, "end": 5}
    ]
    assert world.measures.expired.counts == {("0",): 3}
    assert world.source.commits[0] == {0: 5}
    assert world.expired() == ((2, 5),)


async def test_a_place_behind_deleted_records_that_cannot_be_stored(world):
    """They are told of once, however often it is tried."""
    world.source.stored[0], world.source.firsts[0] = 2, 5
    world.source.failures.extend([KafkaUnavailable("away")] * 3)
    with capture_logs() as lines:
        world.intake.assigned([0])
        await world.until(lambda: world.source.stored[0] == 5)
        await world.until(lambda: world.dispatch.ready() == [0])
    assert [line["event"] for line in lines if line["event"] == "records.expired"] == ["records.expired"]
    assert world.measures.expired.counts == {("0",): 3}


async def test_what_expired_before_is_told_again(world):
    """The claim that told of it goes with retention; the next one knows of both."""
    world.source.stored[0], world.source.firsts[0] = 2, 5
    world.intake.assigned([0])
    await world.until(lambda: world.source.stored[0] == 5)
    await world.intake.revoked([0])
    world.source.firsts[0] = 9
    world.intake.assigned([0])
    await world.until(lambda: world.source.stored[0] == 9)
    assert world.expired() == ((2, 5), (5, 9))


async def test_records_that_are_deleted_while_others_are_in_flight(world):
    """Those end as if nothing had been; it goes on behind what was deleted, and tells of it."""
    world.go.clear()
    world.source.put(records(0, 1))
    world.intake.assigned([0])
    await world.until(lambda: world.dispatch.in_flight() == 2)
    (before,) = world.dispatch.assignments()
    world.source.firsts[0] = 6
    world.source.put(records(6, 7))
    await world.until(lambda: world.dispatch.in_flight() == 4)
    assert world.expired() == ((2, 6),)
    world.go.set()
    await world.until(lambda: world.source.commits[-1:] == [{0: 8}])
    assert list(world.dispatch.assignments()) == [before]
    # None has a key, so that no order is promised.
    assert (sorted(world.seen), world.measures.expired.counts) == ([0, 1, 6, 7], {("0",): 4})
    assert await world.stop()


async def test_a_log_that_ends_before_its_place(world):
    """It is another log: what is in flight ends, nothing is committed to it, and a person says where to go on."""
    world.go.clear()
    world.source.put(records(0, 1))
    world.intake.assigned([0])
    await world.until(lambda: world.dispatch.in_flight() == 2)
    await world.known(0)
    world.source.logs[0].clear()
    world.source.stored.clear()
    commits = list(world.source.commits)
    await world.until(lambda: next(world.dispatch.assignments()).offsets.suspended)
    await world.until(lambda: next(world.dispatch.assignments()).ending)
    world.go.set()
    await world.until(lambda: LOST in world.holds.details())
    assert (world.seen, world.source.commits) == ([0, 1], commits)
    world.source.stored[0] = 0
    world.source.put(records(0))
    await world.until(lambda: world.seen == [0, 1, 0])
    assert await world.stop()


async def test_brokers_that_contradict_each_other(world):
    """While a leader changes, a place may be said to be lost that is there: it is read from there."""
    world.intake.assigned([0])
    world.source.put(records(0))
    await world.until(lambda: world.seen == [0])
    world.source.astray[0] = 1
    await world.until(lambda: not world.source.astray)
    world.source.put(records(1))
    await world.until(lambda: world.seen == [0, 1])
    assert world.measures.expired.counts == {("0",): 0}


async def test_a_place_that_is_looked_for_by_an_earlier_claim(world, monkeypatch):
    """It is no place of the new claim's: what that has not read yet would be passed."""
    found = asyncio.Event()

    async def late(*_):
        await found.wait()
        return 4

    monkeypatch.setattr(Beginnings, "go_on", late)
    monkeypatch.setattr(world.source, "poll", partial(one_by_one, world.source.poll))
    world.intake.assigned([0])
    world.source.put(records(0))
    await world.until(lambda: world.source.stored.get(0) == 1)
    world.go.clear()
    world.source.put(records(1, 2, 3))
    await world.until(lambda: world.dispatch.in_flight() == 3)
    world.source.astray[0] = 4
    await world.until(lambda: next(world.dispatch.assignments()).offsets.suspended)
    before = await world.gap()
    await world.until(lambda: before.ending)
    found.set()
    await world.rounds()
    world.go.set()
    await world.until(lambda: world.source.stored[0] == 4)
    assert (sorted({*world.seen}), world.source.rewound) == ([0, 1, 2, 3], {0: 1})


async def one_by_one(poll, partitions, *, within, at_most):
    return await poll(partitions, within=within, at_most=1)


async def test_what_is_no_record(world):
    """Markers and what was taken back are passed by the next commit, as soon as nothing before them is open."""
    world.go.clear()
    world.source.put(records(0))
    world.intake.assigned([0])
    await world.until(lambda: world.dispatch.in_flight() == 1)
    world.source.positions[0], world.source.firsts[0] = 4, 4
    await world.rounds()
    assert world.source.commits == [{0: 0}]
    world.go.set()
    await world.until(lambda: world.source.commits == [{0: 0}, {0: 4}])


async def test_an_intake_that_finds_no_hold():
    """Beginnings are told to nobody where nothing is wrong."""
    holds = Holds(Breaker(10, Backoff(1, 1)))
    topic, source = FakeJournalTopic(), FakeSource()
    assignment = Assignment(0, await topic.claim(0), topic.append, Slots(1))
    with capture_logs() as lines:
        begins = await Beginnings(holds, Measures()).begin(source, assignment)
    assert (lines, begins, source.commits) == ([], Progress(0), [])
