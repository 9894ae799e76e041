"""Where partitions are read from on a real Kafka: transactions, deleted records, offsets that are lost."""

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from added_partitions import add_partitions
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from fakes import FakeJournalTopic
from logs_on_kafka import WITHIN, Log
from patience import until

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Hold, HoldReason, Holds
from worker.intake.dispatch import Dispatch
from worker.intake.intake import Intake
from worker.intake.timings import Timings
from worker.journal.entries import EntryKey, Finished, encode
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.membership import Membership
from worker.kafka.source import record_source
from worker.measures import Measures
from worker.model.outcomes import Succeeded
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots
from worker.stopping import Stopping
from worker.topics import TopicSpec

CREATED = Succeeded("1", "/1", "individual", 1)


class Member:
    """The worker's intake over a real topic, with a fake journal that may be kept for the next member."""

    def __init__(self, log, journal, start):
        self.log, self.topic, self.seen = log, journal, list[tuple[int, int]]()
        self.slots, self.measures = Slots(100), Measures()
        self.holds = Holds(Breaker(10, Backoff(1, 1)))
        self.dispatch = Dispatch(self.process, self.slots, max_uncommitted=100)
        self.intake = Intake(
            self.dispatch, self.claimed, self.holds, 5, self.measures, start, Timings(look_again_after=0.1)
        )
        self.go = asyncio.Event()
        self.go.set()
        self.source: Any = None

    async def claimed(self, partition, kept, committed):
        return Assignment(partition, await self.topic.claim(partition, kept, committed), self.topic.append, self.slots)

    async def process(self, record, assignment, outcome_known):
        await self.go.wait()
        self.seen.append((record.partition, record.offset))
        return CREATED

    def offsets(self, partition=0):
        return sorted(offset for number, offset in self.seen if number == partition)

    def standing(self, partition=0):
        return self.source.standings.of(partition)

    async def until(self, condition):
        await until(condition, within=WITHIN, every=0.01)


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr("worker.kafka.standings.ASK_EVERY", 0.1)


@pytest.fixture
async def log(kafka, unique, hurry):
    async with admin.opened(Connection(kafka)) as client:
        await client.create(TopicSpec(unique, 2, 1))
    return Log(kafka, unique)


@asynccontextmanager
async def member(log, start="earliest", journal=None, partitions=2, *, ends=True):
    """A member at work, once all partitions are open or held. Without `ends` its records end once `go` is set."""
    working = Member(log, journal or FakeJournalTopic(), start)
    if not ends:
        working.go.clear()
    membership = Membership(log.topic, log.topic, session_timeout=10, rebalance_timeout=10)
    stopping = Stopping()
    async with record_source(Connection(log.kafka), membership, working.intake) as source:
        working.source = source
        task = asyncio.create_task(working.intake.run(source, stopping))
        lost = Hold(HoldReason.OFFSETS_LOST, 0)
        await working.until(
            lambda: len(list(working.dispatch.assignments())) == partitions or lost in working.holds.details()
        )
        try:
            yield working
        finally:
            working.go.set()
            stopping.set()
            await asyncio.wait_for(task, WITHIN)


async def committed(log, partition=0):
    async with admin.opened(Connection(log.kafka)) as client:
        return (await client.committed(log.topic, log.topic)).get(partition)


async def store(log, offset, partition=0):
    consumer = AIOKafkaConsumer(bootstrap_servers=log.kafka, group_id=log.topic, enable_auto_commit=False)
    async with consumer, asyncio.timeout(WITHIN):
        place = TopicPartition(log.topic, partition)
        consumer.assign([place])
        await consumer.commit({place: offset})


# --- transactions -----------------------------------------------------------------------------------------------------


async def test_what_was_taken_back(log):
    """Records of aborted transactions are skipped, committed ones read; in the end the lag is 0, all is committed."""
    async with log.transaction(2, commit=True):
        pass
    async with log.transaction(3, commit=False):
        pass
    end = await log.write(1) + 1
    async with log.transaction(1, commit=False):
        pass
    async with member(log) as working:
        await working.until(lambda: working.standing().lag == 0)
        assert working.offsets() == [0, 1, 7]
        await working.until(lambda: working.standing().committed == end + 1)
        assert (working.standing().end, working.standing().position) == (end + 1, end + 1)
    assert await committed(log) == end + 1


async def test_a_log_that_holds_nothing_but_what_was_taken_back(log):
    """A log with nothing but aborted records: nothing is processed, and the lag is 0."""
    async with log.transaction(3, commit=False):
        pass
    async with member(log) as working:
        await working.until(lambda: working.standing().lag == 0 and working.standing().committed == 4)
        assert working.seen == []


async def test_a_transaction_that_stays_open(log):
    """An open transaction is told with offset and time; the other partition goes on, this one once it is over."""
    await log.write(1)
    other = Log(log.kafka, log.topic, 1)
    async with member(log) as working:
        async with log.transaction(2, commit=True) as behind:
            await log.write(1)
            await other.write(1)
            await working.until(lambda: working.offsets(1) == [0])
            await working.until(lambda: working.standing().open_transaction and working.standing().committed == 1)
            await working.until(lambda: working.standing().lag == 3)
            standing = working.standing()
            assert standing.open_transaction.offset == 1
            assert 0 <= time.time() - standing.open_transaction.since < WITHIN
            assert (behind, working.offsets()) == (3, [0])
            assert working.standing(1).open_transaction is None
        await working.until(lambda: working.standing().lag == 0 and working.standing().open_transaction is None)
        assert working.offsets() == [0, 1, 2, 3]


async def test_a_lag_while_records_are_in_flight(log):
    """The lag counts records that are not finished, and no transaction markers."""
    for _ in range(3):
        async with log.transaction(1, commit=True):
            pass
    async with member(log) as working:
        working.go.clear()
        await log.write(2)
        await working.until(lambda: working.dispatch.in_flight() in {2, 5} and working.standing().end == 8)
        await working.until(lambda: working.standing().position == 8)
        # Those that had ended before count until they are committed.
        await working.until(lambda: working.standing().lag == working.dispatch.in_flight())


# --- first starts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "stored"), [("earliest", 0), ("latest", 3), ("time", 3), ("tomorrow", 3)])
async def test_a_first_start(log, start, stored):
    """A new group's first offset follows `START`, and is committed before a record is read."""
    await log.write(3)
    after = int(time.time() * 1000) + 1  # a millisecond later, so that the records just written lie before it
    moment = {"time": after, "tomorrow": int((time.time() + 86_400) * 1000)}.get(start, start)
    async with member(log, moment, ends=False) as working:
        if start == "time":
            assert await committed(log, 1) == 0
        assert await committed(log) == stored
        await log.write(1)
        working.go.set()
        await working.until(lambda: working.offsets()[-1:] == [3])
        assert working.offsets() == list(range(stored, 4))
        await working.until(lambda: working.standing().committed == 4)


async def test_a_partition_that_is_added(log):
    """A partition added later begins at its beginning, whatever `START` says."""
    await log.write(2)
    async with member(log, "latest") as working:
        await log.write(1)
        await working.until(lambda: working.standing().committed == 3)
    client = AIOKafkaAdminClient(bootstrap_servers=log.kafka)
    await client.start()
    await add_partitions(client, log.topic, 3)
    await client.close()
    added = Log(log.kafka, log.topic, 2)
    async with asyncio.timeout(WITHIN):
        await added.write(2)
    async with member(log, "latest", partitions=3) as working:
        await working.until(lambda: working.offsets(2) == [0, 1])


async def test_a_partition_that_nobody_came_to_before_a_crash(log):
    """A partition that existed from the start, and got no offset before a crash, begins where `START` says."""
    other = Log(log.kafka, log.topic, 1)
    await other.write(2)
    async with member(log, "latest"):
        pass
    await forget(log, 1)
    async with member(log, "latest") as working:
        await other.write(1)
        await working.until(lambda: working.offsets(1) == [2])


async def forget(log, partition):
    """Remove the group's offset of that partition alone."""
    async with admin.opened(Connection(log.kafka)) as client:
        kept = await client.committed(log.topic, log.topic)
    await delete_group(log)
    consumer = AIOKafkaConsumer(bootstrap_servers=log.kafka, group_id=log.topic, enable_auto_commit=False)
    async with consumer, asyncio.timeout(WITHIN):
        places = {TopicPartition(log.topic, number): (at, "began-with=2") for number, at in kept.items()}
        del places[TopicPartition(log.topic, partition)]
        consumer.assign(list(places))
        await consumer.commit(places)


async def delete_group(log):
    """Delete the group with its offsets."""
    from aiokafka.protocol.admin import DeleteGroupsRequest  # noqa: PLC0415  used here alone

    async with admin.opened(Connection(log.kafka)) as client, client.bounded():
        node = await client.client.find_coordinator(log.topic)
        answer = await client.ask(DeleteGroupsRequest([log.topic]), node)
    assert [code for _, code in [tuple(each.values()) for each in answer["results"]]] == [0]


# --- offsets that are lost --------------------------------------------------------------------------------------------


async def knowing(*offsets):
    """A journal that knows the end of the records at these offsets."""
    journal = FakeJournalTopic()
    for offset in offsets:
        key = EntryKey(UUID(int=offset + 1), offset, "earlier").encode()
        await journal.append(0, key, encode(Finished(CREATED)), lambda _: None)
    return journal


async def test_a_group_that_was_deleted(log):
    """The group's offsets are gone, but the journal knows records: the partition is held until an offset is set."""
    await log.write(3)
    async with member(log) as working:
        await working.until(lambda: working.offsets() == [0, 1, 2])
    await delete_group(log)
    async with member(log, journal=await knowing(0, 1, 2)) as working:
        (_, detail) = working.holds.details()[Hold(HoldReason.OFFSETS_LOST, 0)]
        assert detail.startswith(
            f"{log.topic}/0: no offset is stored, although the journal knows 3 events, and the log holds offsets 0 to 2"
        )
        await log.write(1)
        await asyncio.sleep(0.3)
        assert working.seen == []
    await store(log, 3)
    async with member(log, journal=await knowing(0, 1, 2)) as working:
        await working.until(lambda: working.offsets() == [3])


async def test_an_offset_beyond_the_log_s_end(log):
    """An offset beyond the log's end: the partition is held, and the offset stays as it is."""
    await log.write(3)
    await store(log, 99)
    async with member(log) as working:
        (_, detail) = working.holds.details()[Hold(HoldReason.OFFSETS_LOST, 0)]
        assert f"{log.topic}/0: offset 99 is stored, and the log holds offsets 0 to 2" in detail
    assert await committed(log) == 99


# --- records that expired ---------------------------------------------------------------------------------------------


async def test_records_that_were_deleted_unread(log):
    """Records were deleted unread: reading goes on at the log's beginning, and they are counted."""
    await log.write(6)
    await store(log, 1)
    await log.delete(4)
    async with member(log) as working:
        await working.until(lambda: working.offsets() == [4, 5])
        assert working.measures.expired.counts["0",] == 3
    assert await committed(log) == 6


async def test_all_records_were_deleted_unread(log):
    """All records were deleted unread: they are counted, and the end is committed."""
    await log.write(6)
    await store(log, 1)
    await log.delete(6)
    async with member(log) as working:
        await working.until(lambda: working.standing().lag == 0)
        assert working.measures.expired.counts["0",] == 5
    assert await committed(log) == 6


async def test_records_that_are_deleted_while_others_are_in_flight(log, monkeypatch):
    """Records are deleted while earlier ones are in flight: those end, and reading goes on behind the deleted ones."""
    monkeypatch.setattr("worker.kafka.source.FETCH_BYTES_EACH", 1)
    async with member(log) as working:
        working.go.clear()
        working.dispatch._max_uncommitted = 2
        for _ in range(6):
            await log.write(1)
        await working.until(lambda: working.dispatch.in_flight() == 2)
        await log.delete(5)
        working.source._consumer.seek(TopicPartition(log.topic, 0), 2)
        working.dispatch._max_uncommitted = 100
        await working.until(lambda: working.dispatch.in_flight() == 3)
        working.go.set()
        await working.until(lambda: working.standing().lag == 0)
        assert working.offsets() == [0, 1, 5]
        assert working.measures.expired.counts["0",] == 3
    assert await committed(log) == 6
