"""From the group's partitions to commits, through rebalances, gaps and refusals."""

import asyncio
import math
from dataclasses import replace
from uuid import UUID

import pytest
from fakes import FakeJournalTopic, FakeSource
from patience import PATIENCE, until

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Hold, HoldReason, Holds
from worker.intake.dispatch import Dispatch
from worker.intake.intake import BATCH, Intake
from worker.intake.timings import Timings
from worker.journal.entries import EntryKey, Intent, encode, is_claim
from worker.model.errors import ApiUnavailable, CommitRefused, JournalShared, JournalUnreadable, KafkaUnavailable
from worker.model.outcomes import Succeeded
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.stopping import Stopping


def records(*offsets, partition=0):
    return [Record("requests", partition, offset, 0, None, b"{}") for offset in offsets]


QUICK = Timings(
    poll=0.001, kafka_again_after=0.001, restore_again_after=0.001, commit_every=0.001, commit_again_after=0.001
)


class Running:
    """An intake at work over fakes; `seen` is what was processed."""

    def __init__(self, timings=QUICK):
        self.topic, self.source, self.seen = FakeJournalTopic(), FakeSource(), []
        self.slots = Slots(8)
        self.holds = Holds(Breaker(10, Backoff(1, 1)))
        self.dispatch = Dispatch(self.process, self.slots, max_uncommitted=100)
        self.restore_failures, self.kept, self.committed, self.unrestorable = [], [], [], set()
        self.intake = Intake(self.dispatch, self.claimed, self.holds, drain_timeout=5, timings=timings)
        self.stopping = Stopping()
        self.go = asyncio.Event()
        self.go.set()
        self.task = asyncio.create_task(self.intake.run(self.source, self.stopping))

    async def claimed(self, partition, kept, committed):
        self.kept.append(kept)
        self.committed.append(committed)
        if partition in self.unrestorable:
            raise JournalUnreadable("at offset 7")
        if self.restore_failures:
            raise self.restore_failures.pop(0)
        return Assignment(partition, await self.topic.claim(partition, kept, committed), self.topic.append, self.slots)

    async def process(self, record, assignment, outcome_known):
        await self.go.wait()
        self.seen.append((record.partition, record.offset))
        return Succeeded("1", "/1", "individual", 1)

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
async def running(request):
    world = Running(getattr(request, "param", QUICK))
    yield world
    world.task.cancel()


async def test_what_is_finished_is_committed(running):
    """And nothing is read from a partition before its journal is restored."""
    running.source.put(records(0, 1, 2))
    await running.until(lambda: running.intake._source is not None)
    assert running.seen == []
    running.intake.assigned([0])
    await running.until(lambda: running.source.commits[-1:] == [{0: 3}])
    assert await running.stop() is True


@pytest.mark.parametrize("running", [replace(QUICK, commit_every=3600, commit_after=3)], indirect=True)
async def test_many_are_finished_before_the_next_commit_is_due(running):
    """So many that they are committed at once."""
    running.intake._commits._next = math.inf
    running.intake.assigned([0])
    running.source.put(records(0, 1))
    await running.until(lambda: len(running.seen) == 2)
    assert running.source.commits == []
    running.source.put(records(2))
    await running.until(lambda: running.source.commits == [{0: 3}])


async def test_a_journal_that_cannot_be_restored_yet(running):
    """It is tried again, and the hold says so meanwhile."""
    running.restore_failures = [KafkaUnavailable("down"), JournalUnreadable("offset 7")]
    running.source.put(records(0))
    running.intake.assigned([0])
    assert list(running.holds.details()) == [Hold(HoldReason.JOURNAL_RESTORING, 0)]
    await running.until(lambda: running.seen == [(0, 0)])
    assert running.holds.details() == {}


@pytest.mark.parametrize("step", ["restore", "bearings"])
async def test_a_partition_that_cannot_be_opened_for_whatever_reason(running, step, monkeypatch):
    """It is its own hold, told without the text of an unforeseen error, and tried again until it is open."""
    failures: list[Exception] = [AssertionError("jack@example.com"), MemoryError(), JournalUnreadable("at offset 7")]
    bearings = running.source.bearings

    async def failing(partition, within):
        if failures:
            raise failures.pop(0)
        return await bearings(partition, within)

    if step == "restore":
        running.restore_failures = failures
    else:
        monkeypatch.setattr(running.source, "bearings", failing)
    told, begin = [], running.holds.begin

    def remembered(reason, detail, **of):
        told.append((reason, detail, of))
        begin(reason, detail, **of)

    monkeypatch.setattr(running.holds, "begin", remembered)
    running.source.put(records(0))
    running.intake.assigned([0])
    await running.until(lambda: running.seen == [(0, 0)])
    assert failures == []
    reason = HoldReason.JOURNAL_RESTORING if step == "restore" else HoldReason.KAFKA_UNAVAILABLE
    details = [detail for each, detail, of in told[1:] if each is reason and of == {"partition": 0}]
    assert [detail.partition(" ")[0] for detail in details] == ["AssertionError", "MemoryError", "at"]
    assert "jack" not in str(details)
    assert running.holds.details() == {}


async def test_a_partition_that_cannot_be_restored(running, monkeypatch):
    """It costs the others nothing: they are read in full, not by one record to probe with."""
    running.unrestorable = {1}
    asked, poll = [], running.source.poll

    async def remembered(partitions, *, within, at_most):
        asked.append((list(partitions), at_most))
        return await poll(partitions, within=within, at_most=at_most)

    monkeypatch.setattr(running.source, "poll", remembered)
    running.intake.assigned([0, 1])
    running.source.put(records(*range(50)))
    await running.until(lambda: running.source.commits[-1:] == [{0: 50}])
    assert {at_most for partitions, at_most in asked if partitions} == {BATCH}
    assert list(running.holds.details()) == [Hold(HoldReason.JOURNAL_RESTORING, 1)]
    assert running.holds.details()[Hold(HoldReason.JOURNAL_RESTORING, 1)][1] == "at offset 7"


async def test_a_partition_that_cannot_be_read(running):
    """It is a hold of its own with what is said of it, ends with it, and is nobody's when the partition is taken."""
    running.intake.assigned([0, 1])
    await running.until(lambda: running.dispatch.ready() == [0, 1])
    running.source.unreadable = {1: "requests/1 at offset 7: corrupt"}
    hold = Hold(HoldReason.PARTITION_UNREADABLE, 1)
    await running.until(lambda: hold in running.holds.details())
    assert running.holds.details()[hold][1] == "requests/1 at offset 7: corrupt"
    running.source.put(records(*range(20)))
    await running.until(lambda: running.source.commits[-1:] == [{0: 20}])
    running.source.unreadable = {}
    await running.until(lambda: running.holds.details() == {})
    running.source.unreadable = {1: "requests/1 at offset 7: corrupt"}
    await running.until(lambda: hold in running.holds.details())
    running.source.unreadable = {}
    await running.intake.revoked([0, 1])
    await running.until(lambda: running.holds.details() == {})


async def test_a_revoked_partition(running):
    """What is in flight ends and is committed before the partition is given up; nothing of it is committed later."""
    running.go.clear()
    running.source.put(records(0))
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.in_flight() == 1)
    revoking = asyncio.create_task(running.intake.revoked([0]))
    await running.rounds()
    assert not revoking.done()
    running.go.set()
    await revoking
    assert running.source.commits == [{0: 1}]
    assert running.dispatch.ready() == []


async def test_a_partition_that_is_taken_while_it_is_restored(running):
    """It is not opened."""
    running.restore_failures = [KafkaUnavailable("down")] * 1_000
    running.intake.assigned([0])
    await running.intake.revoked([0])
    await running.rounds()
    assert (running.dispatch.ready(), running.holds.details()) == ([], {})


async def test_a_poll_that_outlasts_a_rebalance(running, monkeypatch):
    """It returns records of a partition that is ours again and not open yet: they are read once more, not lost."""
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    polling, rebalanced, poll = asyncio.Event(), asyncio.Event(), running.source.poll

    async def outlasting(partitions, **limits):
        polling.set()
        await rebalanced.wait()
        return await poll(partitions, **limits)

    monkeypatch.setattr(running.source, "poll", outlasting)
    await polling.wait()
    await running.intake.revoked([0])
    running.restore_failures = [KafkaUnavailable("down")]
    running.source.put(records(0, 1))
    running.intake.assigned([0])
    rebalanced.set()
    await running.until(lambda: running.seen == [(0, 0), (0, 1)])


async def test_a_claim_knows_what_is_committed(running):
    """It is asked for before the journal is read: what is committed and old need not be kept."""
    running.source.new, running.source.stored[0] = True, 7
    running.source.put(records(6))
    running.intake.assigned([0, 1])
    await running.until(lambda: running.dispatch.partitions == 2)
    assert sorted(running.committed, key=str) == [7, None]


async def test_a_journal_that_is_another_deployment_s(running):
    """A hold names both; it is over when the partition is ours, and when it is taken away."""
    shared = JournalShared("theirs and ours")
    running.restore_failures = [shared] * 9_999
    running.intake.assigned([0])
    hold = Hold(HoldReason.JOURNAL_SHARED, 0)
    await running.until(lambda: list(running.holds.details()) == [hold])
    assert running.holds.details()[hold][1] == "theirs and ours"
    running.restore_failures = [shared, shared, KafkaUnavailable("down")]
    await running.until(lambda: running.holds.details() == {})
    await running.intake.revoked([0])
    running.restore_failures = [shared] * 9_999
    running.intake.assigned([0])
    await running.until(lambda: list(running.holds.details()) == [hold])
    await running.intake.revoked([0])
    assert running.holds.details() == {}


async def test_a_partition_that_is_ours_for_long(running, monkeypatch):
    """From time to time it is written down whose it is, without a gap."""
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.partitions == 1)
    (assignment,) = running.dispatch.assignments()
    assignment.terms = replace(assignment.terms, renewal=0)
    running.intake._renew_at = 0
    log = running.topic.topics.logs["journal", 0]
    await running.until(lambda: len(log) == 2)
    assert [is_claim(message.key) for message in log] == [True, False]
    assert not assignment.fenced
    assert (await running.topic.claim(0)).journal.holder == running.topic.owner


async def test_a_refused_commit(running):
    """It is offered again with the next one."""
    running.source.failures.extend([CommitRefused("rebalance"), KafkaUnavailable("timeout")])
    running.source.put(records(0))
    running.intake.assigned([0])
    await running.until(lambda: running.source.commits == [{0: 1}])
    assert running.holds.reasons() == []


async def fence(running):
    """Somebody else claims, and our next entry shows it."""
    await running.topic.claim(0)
    (assignment,) = running.dispatch.assignments()
    key = EntryKey(UUID(int=1), 99, assignment.restored.writer).encode()
    await running.topic.append(0, key, encode(Intent(1)), assignment.restored.fence.acknowledged)
    return assignment


async def test_a_gap_in_a_partition_that_is_still_ours(running):
    """It is claimed anew after a commit that the group accepts, and read again from what is not finished."""
    running.intake.assigned([0])
    running.source.put(records(0, 1))
    await running.until(lambda: running.source.commits[-1:] == [{0: 2}])
    before = await fence(running)
    running.source.put(records(2))
    await running.until(lambda: [each for each in running.dispatch.assignments() if each is not before])
    await running.until(lambda: running.seen[-1:] == [(0, 2)])
    assert running.source.rewound == {0: 2}


async def test_a_gap_in_a_partition_that_is_lost(running):
    """The group refuses the commit: nothing more is read, sent or committed there."""
    running.intake.assigned([0])
    running.source.put(records(0))
    await running.until(lambda: running.source.commits[-1:] == [{0: 1}])
    running.source.failures.append(CommitRefused("another generation"))
    await fence(running)
    running.source.put(records(1))
    await running.until(lambda: not list(running.dispatch.assignments()))
    await running.rounds()
    assert (running.seen, running.source.rewound) == ([(0, 0)], {0: 0})


async def test_a_stop(running):
    """What is in flight ends, what waits does not begin, and the rest is committed."""
    running.go.clear()
    running.intake.assigned([0])
    running.source.put(records(0))
    await running.until(lambda: running.dispatch.in_flight() == 1)
    running.stopping.set()
    await running.until(lambda: HoldReason.STOPPING in running.holds.reasons())
    running.go.set()
    assert await running.stop() is True
    assert running.source.commits == [{0: 1}]


async def test_a_stop_while_the_group_moves(running):
    """The last commit is tried again as long as a drain may take: a restarted coordinator knows no member at first."""
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    running.source.failures.extend([CommitRefused("not a member"), KafkaUnavailable("timeout")] * 50)
    running.source.put(records(0))
    await running.until(lambda: running.seen == [(0, 0)])
    assert await running.stop() is True
    assert running.source.commits == [{0: 1}]


async def test_a_stop_without_the_group(running):
    """It ends all the same; the offset is redelivered to the partition's next owner."""
    running.intake.drain_timeout = 0.05
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    running.source.failures.extend([KafkaUnavailable("timeout")] * 100_000)
    running.source.put(records(0))
    await running.until(lambda: running.seen == [(0, 0)])
    assert await running.stop() is True
    assert running.source.commits == []


@pytest.mark.parametrize("running", [replace(QUICK, short_poll=0.0005)], indirect=True)
async def test_a_partition_that_has_no_room(running, monkeypatch):
    """While it is left unread the others are asked briefly."""
    asked, poll = [], running.source.poll

    async def remembered(partitions, *, within, at_most):
        asked.append((list(partitions), within))
        return await poll(partitions, within=within, at_most=at_most)

    monkeypatch.setattr(running.source, "poll", remembered)
    running.go.clear()
    running.intake.assigned([0, 1])
    await running.until(lambda: ([0, 1], 0.001) in asked)
    running.dispatch._max_uncommitted = 3
    running.source.put(records(0, 1, 2))
    await running.until(lambda: asked[-1] == ([1], 0.0005))
    running.go.set()
    await running.until(lambda: asked[-1] == ([0, 1], 0.001))


async def test_a_hold(running):
    """Nothing is taken in beyond one record to probe with, and everything afterwards."""
    running.go.clear()
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    running.holds.begin(HoldReason.API_UNAVAILABLE, "down")
    await running.rounds()
    running.source.put(records(*range(5)))
    await running.until(lambda: running.dispatch.in_flight() == 1)
    await running.rounds()
    assert running.dispatch.in_flight() == 1
    running.holds.end(HoldReason.API_UNAVAILABLE)
    await running.until(lambda: running.dispatch.in_flight() == 5)
    running.go.set()
    await running.until(lambda: running.source.commits[-1:] == [{0: 5}])


async def test_a_hold_that_those_in_flight_cannot_end(running):
    """Another record is taken after two failed probes: what is in flight may fail for itself."""
    running.go.clear()
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    running.source.put(records(*range(5)))
    await running.until(lambda: running.dispatch.in_flight() == 5)
    for _ in range(10):
        with pytest.raises(ApiUnavailable):
            async with running.holds.permission(asyncio.sleep):
                raise ApiUnavailable("down")
    await running.rounds()
    assert running.holds.reasons() == [HoldReason.API_UNAVAILABLE]
    running.holds._breaker.probes += 2
    running.source.put(records(*range(5, 9)))
    await running.until(lambda: running.dispatch.in_flight() == 6)
    running.go.set()


async def test_a_partition_that_comes_back(running):
    """Nobody wrote meanwhile: what was known is still all there is, and the journal is not read again."""
    running.intake.assigned([0])
    running.source.put(records(0))
    await running.until(lambda: running.source.commits[-1:] == [{0: 1}])
    (before,) = running.dispatch.assignments()
    await running.intake.revoked([0])
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    (after,) = running.dispatch.assignments()
    assert after is not before
    assert running.kept == [None, before.restored]


async def test_what_is_kept_of_a_journal_with_a_gap(running):
    """It is offered to every claim until one succeeds: the topic may have been deleted, and know nothing any more."""
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    before = await fence(running)
    running.restore_failures.extend([KafkaUnavailable("away"), KafkaUnavailable("away")])
    await running.until(lambda: before not in running.dispatch.assignments() and running.dispatch.ready() == [0])
    assert running.kept == [None, before.restored, before.restored, before.restored]
    await running.intake.revoked([0])
    running.intake.assigned([0])
    await running.until(lambda: len(running.kept) == 5)
    assert running.kept[-1] is not None
    assert running.kept[-1] is not before.restored


async def test_a_partition_that_is_taken_while_a_record_is_in_flight(running):
    """What is kept of it counts as incomplete."""
    running.intake.drain_timeout = 0.001
    running.go.clear()
    running.source.put(records(0))
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.in_flight() == 1)
    (before,) = running.dispatch.assignments()
    await running.intake.revoked([0])
    running.intake.assigned([0])
    await running.until(lambda: len(running.kept) == 2)
    assert running.kept[-1] is before.restored
    assert before.restored.fence.broken


async def test_a_fenced_partition_that_is_taken(running):
    """While it drains for its revocation nobody claims it anew, and nobody does afterwards."""
    running.go.clear()
    running.intake.assigned([0])
    running.source.put(records(0))
    await running.until(lambda: running.dispatch.in_flight() == 1)
    await fence(running)
    await running.until(lambda: list(running.intake.restoring) == [0])
    revoking = asyncio.create_task(running.intake.revoked([0]))
    await running.rounds()
    assert list(running.intake.restoring) == []
    running.go.set()
    await revoking
    await running.rounds()
    assert (list(running.intake.restoring), list(running.dispatch.assignments())) == ([], [])
    assert running.topic.claims == 2


async def test_a_commit_that_fails_until_its_partition_is_taken(running):
    """Nothing is left to commit, so that the hold is over."""
    running.intake.assigned([0])
    await running.until(lambda: running.dispatch.ready() == [0])
    running.source.failures.extend([KafkaUnavailable("timeout")] * 1000)
    running.source.put(records(0))
    await running.until(lambda: running.holds.reasons() == [HoldReason.KAFKA_UNAVAILABLE])
    await running.intake.revoked([0])
    await running.until(lambda: running.holds.reasons() == [])
