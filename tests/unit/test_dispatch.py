"""Many at once, one at a time per key, and a drain that loses nothing."""

import asyncio
from collections import defaultdict
from functools import partial
from itertools import groupby
from unittest import mock
from uuid import UUID

from builders import committable
from fakes import FakeJournalTopic
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE
from patience import until as eventually
from structlog.testing import capture_logs

from worker.intake.dispatch import LEAST_READY, Dispatch
from worker.intake.lanes import OVERHEAD
from worker.intake.round_robin import IN_A_ROW
from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.lease import now
from worker.journal.terms import Restored
from worker.measures import Measures
from worker.model.errors import Draining
from worker.model.outcomes import Succeeded
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots

OUTCOME = Succeeded("1", "/1", "individual", 1)


def record(offset, key=b"k", partition=0):
    return Record("requests", partition, offset, 0, key, b"{}")


class Recorder:
    """Processes when told to, and remembers in which order records began and ended."""

    def __init__(self, *, wait=False):
        self.began, self.ended = [], []
        self.go = asyncio.Event()
        self.under_way = self.most = 0
        if not wait:
            self.go.set()

    async def __call__(self, record, assignment, outcome_known):
        self.began.append(record.offset)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.go.wait()
        await asyncio.sleep(0)
        self.under_way -= 1
        self.ended.append(record.offset)
        return OUTCOME


def assignment_of(number, slots):
    return Assignment(number, Restored("me", PartitionJournal(), Fence(-1), now()), FakeJournalTopic().append, slots)


def dispatch_of(process, *, in_flight=8, beyond=0, partitions=(0,), max_uncommitted=100, **limits):
    slots = Slots(in_flight, beyond)
    dispatch = Dispatch(process, slots, max_uncommitted=max_uncommitted, **limits)
    for number in partitions:
        dispatch.open(assignment_of(number, slots))
    return dispatch


until = partial(eventually, within=PATIENCE, every=0)


@given(keys=st.lists(st.sampled_from([b"a", b"b", b"c", None]), min_size=1, max_size=30), in_flight=st.integers(1, 5))
def test_any_mix_of_keys(keys, in_flight):
    """Records of one key end in their order, never more than the limit are under way, and all are committable."""

    async def scenario():
        process = Recorder()
        dispatch = dispatch_of(process, in_flight=in_flight)
        for offset, key in enumerate(keys):
            dispatch.admit(record(offset, key))
        await until(lambda: len(process.ended) == len(keys))
        await until(lambda: committable(dispatch) == {0: len(keys)})
        ended = defaultdict(list)
        for offset in process.ended:
            ended[keys[offset]].append(offset)
        assert all(offsets == sorted(offsets) for key, offsets in ended.items() if key is not None)
        assert process.most <= in_flight
        assert dispatch._open[0].lanes.queued_bytes == 0
        await until(lambda: dispatch.in_flight() == 0)

    asyncio.run(scenario())


async def test_a_key_that_waits_does_not_stop_the_others():
    """Different keys run concurrently."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process)
    for offset, key in enumerate([b"a", b"a", b"b", None, None]):
        dispatch.admit(record(offset, key))
    await until(lambda: process.under_way == 4)
    assert sorted(process.began) == [0, 2, 3, 4]
    process.go.set()
    await until(lambda: committable(dispatch) == {0: 5})


async def test_a_partition_too_far_ahead_of_its_commits():
    """It is not ready again before something is committed or finished."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process, max_uncommitted=2, partitions=(0, 1))
    dispatch.admit(record(0))
    dispatch.admit(record(1))
    assert dispatch.ready() == [1]
    process.go.set()
    await until(lambda: dispatch.ready() == [0, 1])


async def test_enough_that_could_begin():
    """More is read only behind records that have to wait for their key."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process, in_flight=1, partitions=(0, 1), max_ready=2 * LEAST_READY)
    for offset in range(2 * LEAST_READY):
        dispatch.admit(record(offset, b"hot", partition=1))
    for offset in range(LEAST_READY):
        dispatch.admit(record(offset, None, partition=0))
    assert dispatch.ready() == [1]
    process.go.set()
    await until(lambda: committable(dispatch) == {0: LEAST_READY, 1: 2 * LEAST_READY})


async def test_a_partition_too_far_ahead_of_the_work():
    """It may have its share of the bytes that wait and no more; the others have theirs, and one record fits always."""
    process = Recorder(wait=True)
    size = len(b"k{}") + OVERHEAD
    dispatch = dispatch_of(process, in_flight=1, partitions=(0, 1), max_queued=4 * size)
    for offset in range(2):
        dispatch.admit(record(offset))
    assert dispatch.ready() == [0, 1]
    dispatch.admit(record(2))
    assert dispatch.ready() == [1]
    dispatch.close([1])
    assert dispatch.ready() == [0]
    process.go.set()
    await until(lambda: committable(dispatch) == {0: 3})
    large = dispatch_of(Recorder(), max_queued=1)
    assert large.ready() == [0]


async def test_a_record_is_settled_before_its_outcome_is_published():
    """The next one of its key begins, and its offset is committable only when both are published."""
    began, publish = [], asyncio.Event()

    async def process(record, assignment, outcome_known):
        began.append(record.offset)
        outcome_known()
        await publish.wait()
        return OUTCOME

    dispatch = dispatch_of(process)
    for offset in range(3):
        dispatch.admit(record(offset))
    await until(lambda: began == [0, 1, 2])
    assert (dispatch.in_flight(), committable(dispatch)) == (3, {})
    publish.set()
    await until(lambda: committable(dispatch) == {0: 3})


async def test_a_drain():
    """What is in flight ends, what is queued behind it does not begin and stays uncommitted."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process)
    for offset in range(3):
        dispatch.admit(record(offset))
    await until(lambda: process.under_way == 1)
    draining = asyncio.create_task(dispatch.drain([0], within=PATIENCE))
    await until(lambda: dispatch.ready() == [])
    process.go.set()
    assert await draining is True
    assert process.ended == [0]
    assert committable(dispatch) == {0: 1}


async def test_a_drain_that_takes_too_long():
    """It says so, in the log as well, and what ends later can commit nothing any more."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process)
    dispatch.admit(record(0))
    await until(lambda: process.under_way == 1)
    with capture_logs() as lines:
        assert await dispatch.drain([0], within=0) is False
    assert lines == [{"event": "drain.cut_short", "log_level": "warning", "partitions": [0], "in_flight": 1}]
    dispatch.close([0])
    process.go.set()
    await until(lambda: process.ended == [0])
    assert committable(dispatch) == {}


async def test_a_record_that_waits_for_its_retry_gives_its_slot_back():
    """With one slot, another key's record is worked on meanwhile; the drain ends the wait."""
    order = []

    async def process(record, assignment, outcome_known):
        if record.key == b"waits":
            order.append("waits")
            await assignment.pause(60)
        order.append("other")
        return OUTCOME

    dispatch = dispatch_of(process, in_flight=1)
    dispatch.admit(record(0, b"waits"))
    dispatch.admit(record(1, b"goes on"))
    await until(lambda: order == ["waits", "other"])
    assert await dispatch.drain([0], within=PATIENCE) is True
    assert committable(dispatch) == {}


async def test_an_error_of_ours(monkeypatch):
    """The record is neither lost nor passed over: it is taken up again, and counted."""
    monkeypatch.setattr("worker.intake.dispatch.AFTER_A_CRASH", 0.0)
    attempts = []

    async def process(record, assignment, outcome_known):
        attempts.append(record.offset)
        if len(attempts) == 1:
            raise RuntimeError("a bug")
        return OUTCOME

    measures = Measures()
    dispatch = dispatch_of(process, measures=measures)
    dispatch.admit(record(0))
    await until(lambda: committable(dispatch) == {0: 1})
    assert attempts == [0, 0]
    assert measures.crashes.counts == {(): 1}


async def test_a_record_whose_partition_drains():
    """Draining leaves it unfinished."""

    async def process(record, assignment, outcome_known):
        raise Draining

    dispatch = dispatch_of(process)
    dispatch.admit(record(0))
    await until(lambda: dispatch.in_flight() == 0)
    assert committable(dispatch) == {}


class Telling:
    """Settles each record, and ends it when told to; the first ends of a record may be crashes."""

    def __init__(self, crashes=()):
        self.unsettled = self.telling = self.most_unsettled = self.most_telling = 0
        self.crashes = list(crashes)
        self.ended = []
        self.go = asyncio.Event()

    async def __call__(self, record, assignment, outcome_known):
        self.unsettled += 1
        self.most_unsettled = max(self.most_unsettled, self.unsettled)
        await asyncio.sleep(0)
        self.unsettled -= 1
        self.telling += 1
        self.most_telling = max(self.most_telling, self.telling)
        try:
            outcome_known()
            await self.go.wait()
            if self.crashes and self.crashes.pop():
                raise RuntimeError
            self.ended.append(record.offset)
        finally:
            self.telling -= 1
        return OUTCOME


@given(
    in_flight=st.integers(1, 4),
    beyond=st.integers(0, 5),
    crashes=st.lists(st.booleans(), max_size=8),
    count=st.integers(0, 20),
)
def test_records_that_are_told_need_no_slot(in_flight, beyond, crashes, count):
    """So many go on without one, the next keep theirs; a crash in between neither loses a slot nor makes one."""

    async def scenario():
        process = Telling(crashes)
        dispatch = dispatch_of(process, in_flight=in_flight, beyond=beyond)
        for offset in range(count):
            dispatch.admit(record(offset, None))
        await until(lambda: process.telling == min(count, in_flight + beyond))
        process.go.set()
        await until(lambda: committable(dispatch) == ({0: count} if count else {}))
        assert sorted(process.ended) == list(range(count))
        assert process.most_unsettled <= in_flight
        assert process.most_telling <= in_flight + beyond
        await until(lambda: dispatch.in_flight() == 0)
        process.go.clear()
        for offset in range(count, count + in_flight + beyond + 1):
            dispatch.admit(record(offset, None))
        await until(lambda: process.telling == in_flight + beyond)
        process.go.set()
        await until(lambda: dispatch.in_flight() == 0)

    with mock.patch("worker.intake.dispatch.AFTER_A_CRASH", 0):
        asyncio.run(scenario())


async def test_the_same_event_twice_in_flight():
    """The second waits for the first."""
    slots = Slots(3)
    assignment = assignment_of(0, slots)
    inside = []

    async def work(name):
        assert slots.take()
        async with assignment.alone_with(UUID(int=1)):
            inside.append(f"{name} in")
            await asyncio.sleep(0)
            inside.append(f"{name} out")
        slots.give()

    await asyncio.gather(work("a"), work("b"), work("c"))
    assert inside == [f"{name} {way}" for name in "abc" for way in ("in", "out")]
    assert slots.free == 3


class Pausing:
    """One at a time for each event; each record makes a pause first, as after an answer that means "not now"."""

    def __init__(self, pauses=()):
        self.pauses = list(pauses)
        self.ended = []

    async def __call__(self, record, assignment, outcome_known):
        async with assignment.alone_with(UUID(bytes=record.value.ljust(16))):
            await assignment.pause(self.pauses.pop() if self.pauses else 0)
            self.ended.append(record.offset)
            outcome_known()
        return OUTCOME


@given(
    events=st.lists(st.sampled_from([b"a", b"b"]), max_size=20),
    keys=st.integers(1, 20),
    in_flight=st.integers(1, 4),
    drained_after=st.none() | st.integers(0, 20),
)
def test_repeats_of_an_event(events, keys, in_flight, drained_after):
    """More of them than there are slots end like any others; a drain needs no slot to end those that wait."""

    async def scenario():
        process = Pausing()
        dispatch = dispatch_of(process, in_flight=in_flight, beyond=1)
        for offset, event in enumerate(events):
            dispatch.admit(Record("requests", 0, offset, 0, b"%d" % (offset % keys), event))
        if drained_after is not None:
            await until(lambda: len(process.ended) >= min(drained_after, len(events)))
            assert await dispatch.drain([0], within=PATIENCE)
        await until(lambda: dispatch.in_flight() == 0)
        assert drained_after is not None or sorted(process.ended) == list(range(len(events)))
        assert dispatch._slots.free == in_flight

    asyncio.run(scenario())


async def test_a_drain_while_all_slots_are_taken():
    """Whoever waits for its event, its time or a slot ends at once, without one."""
    process = Pausing([60, 60])
    busy = Recorder(wait=True)
    dispatch = dispatch_of(lambda *given: (process if given[0].partition == 0 else busy)(*given), partitions=(0, 1))
    for offset in range(20):
        dispatch.admit(Record("requests", 0, offset, 0, None, b"a" if offset else b"b"))
    await until(lambda: dispatch.in_flight() == 20)
    for offset in range(8):
        dispatch.admit(record(offset, None, partition=1))
    await until(lambda: busy.under_way == 8)
    assert await dispatch.drain([0], within=PATIENCE)
    assert busy.ended == []
    busy.go.set()
    await until(lambda: committable(dispatch) == {1: 8})
    assert dispatch._slots.free == 8


async def test_a_drain_after_a_crash():
    """A record that was taken up again would need a slot, and ends without one."""

    async def crashing(record, assignment, outcome_known):
        outcome_known()
        await asyncio.sleep(0)
        raise RuntimeError

    busy = Recorder(wait=True)
    dispatch = dispatch_of(
        lambda *given: (crashing if given[0].partition == 0 else busy)(*given), in_flight=1, beyond=1, partitions=(0, 1)
    )
    dispatch.admit(record(0))
    dispatch.admit(record(0, partition=1))
    await until(lambda: busy.under_way == 1)
    assert await dispatch.drain([0], within=PATIENCE)
    busy.go.set()
    await until(lambda: committable(dispatch) == {1: 1})
    assert (dispatch._slots.free, dispatch._slots._beyond) == (1, 1)


async def test_a_deep_partition_and_a_shallow_one():
    """Slots go to one partition after the other: the shallow one waits for a few records, not for the backlog."""
    process = Recorder(wait=True)
    slots = 2 * IN_A_ROW
    in_a_row = slots // 2
    dispatch = dispatch_of(process, in_flight=slots, partitions=(0, 1))
    for offset in range(50):
        dispatch.admit(record(offset, None, partition=0))
    dispatch.admit(record(1000, None, partition=1))
    process.go.set()
    await until(lambda: len(process.ended) == 51)
    assert process.ended.index(1000) <= slots + in_a_row


async def test_many_partitions():
    """Each begins a few records in a row, which share their journal's batches; none does so twice before all others."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process, in_flight=1, partitions=range(5))
    for number in range(5):
        for offset in range(2 * IN_A_ROW):
            dispatch.admit(record(100 * number + offset, None, partition=number))
    process.go.set()
    await until(lambda: len(process.ended) == 5 * 2 * IN_A_ROW)
    order = [partition for partition, _ in groupby(offset // 100 for offset in process.ended[1:])]
    assert sorted(order[:5]) == [0, 1, 2, 3, 4]
    assert len(order) in (10, 11)


async def test_a_hot_key_and_a_rare_one():
    """The rare key waits for one record of the hot one, not for all of them."""
    process = Recorder()
    dispatch = dispatch_of(process, in_flight=1)
    for offset in range(50):
        dispatch.admit(record(offset, b"hot"))
    dispatch.admit(record(50, b"rare"))
    await until(lambda: len(process.ended) == 51)
    assert process.ended.index(50) <= 2


async def test_a_backlog_has_no_tasks():
    """Only what is in flight has one."""
    process = Recorder(wait=True)
    dispatch = dispatch_of(process, in_flight=3, max_uncommitted=10_000)
    for offset in range(2_000):
        dispatch.admit(record(offset, None))
    assert dispatch.in_flight() == 3
    process.go.set()
    await until(lambda: committable(dispatch) == {0: 2_000})
