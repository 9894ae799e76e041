"""Reading, publishing and journalling on a real Kafka."""

import asyncio
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from fakes import FakeJournalTopic

from worker.entries import EntryKey, Finished, Intent, Released, encode
from worker.errors import CommitRefused, JournalMismatch, JournalUnreadable, KafkaUnavailable, MessageTooLarge
from worker.journal import Ended, Fresh, InDoubt
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.sender import sender
from worker.kafka.source import FETCH_BYTES_EACH, Membership, record_source
from worker.outcomes import Failed, Reason, ReasonCode
from worker.records import OutgoingMessage, Position, Record
from worker.topics import TopicSpec


class Silent:
    """An outage that nobody is told of."""

    def begin(self, detail):
        self.detail = detail

    def end(self):
        pass


class Given:
    """Remembers what the group gave and took."""

    def __init__(self):
        self.partitions = set()
        self.changed = asyncio.Event()

    def assigned(self, partitions):
        self.partitions |= set(partitions)
        self.changed.set()

    async def revoked(self, partitions):
        self.partitions -= set(partitions)


@pytest.fixture
def connection(kafka):
    return Connection(kafka, request_timeout=10)


@pytest.fixture
async def topic(connection, unique):
    """A topic of two partitions."""
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 2, 1))
    return unique


@asynccontextmanager
async def member(connection, topic, given=None, group="g"):
    given = given or Given()
    membership = Membership(topic, f"{topic}-{group}", session_timeout=10, rebalance_timeout=10)
    async with record_source(connection, membership, given) as source:
        async with asyncio.timeout(20):
            await given.changed.wait()
        for number in given.partitions:
            found = await source.bearings(number, 10)
            source.seek(number, found.first if found.stored is None else found.stored)
        yield source, given


async def read(source, count, partitions=(0, 1)):
    records: list[Record] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            records += await source.poll(partitions, within=0.1, at_most=100)
    return records


async def test_a_message_comes_back_as_it_was_published(connection, topic):
    """Key, value and headers byte for byte, with the position that the acknowledgement named."""
    message = OutgoingMessage(topic, b"k", b"\xff\x00", (("a", b"\xfe"), ("b", None), ("a", b"")), partition=1)
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        position = await results.publish(message)
    assert position == Position(topic, 1, 0)
    async with member(connection, topic) as (source, _):
        (record,) = await read(source, 1)
    assert (record.partition, record.offset, record.key, record.value) == (1, 0, b"k", b"\xff\x00")
    assert record.headers == message.headers


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_is_readable(connection, topic, codec):
    """Whatever the producer upstream compresses with."""
    async with AIOKafkaProducer(bootstrap_servers=connection.bootstrap_servers, compression_type=codec) as producer:
        await asyncio.wait_for(producer.send_and_wait(topic, codec.encode() * 100), 30)
    async with member(connection, topic) as (source, _):
        (record,) = await read(source, 1)
    assert record.value == codec.encode() * 100


async def test_records_larger_than_what_is_read_ahead(connection, topic):
    """The limits bound what is held ready, not what can be read."""
    values = [bytes([number]) * (3 * FETCH_BYTES_EACH) for number in range(4)]
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        for value in values:
            await results.publish(OutgoingMessage(topic, None, value, partition=0))
    async with member(connection, topic) as (source, _):
        assert [record.value for record in await read(source, 4)] == values


async def test_a_committed_offset_is_where_the_next_member_begins(connection, topic):
    """And only the partitions that were asked for are read."""
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        for number in range(4):
            await results.publish(OutgoingMessage(topic, None, str(number).encode(), partition=number % 2))
    async with member(connection, topic) as (source, _):
        assert [record.value for record in await read(source, 2, partitions=[1])] == [b"1", b"3"]
        await source.commit({1: 1}, 10)
    async with member(connection, topic) as (source, _):
        assert {record.value for record in await read(source, 3)} == {b"0", b"2", b"3"}


async def test_a_second_member(connection, topic):
    """The first is told what it loses; together they own everything once."""
    async with member(connection, topic) as (_, given), member(connection, topic) as (_, others):
        async with asyncio.timeout(20):
            while given.partitions | others.partitions != {0, 1} or given.partitions & others.partitions:
                await asyncio.sleep(0.05)
        assert [len(each.partitions) for each in (given, others)] == [1, 1]


async def test_a_commit_of_what_is_not_ours(connection, topic):
    """It is refused before it can rewind anybody."""
    async with member(connection, topic) as (source, _):
        with pytest.raises(CommitRefused):
            await source.commit({7: 1}, 10)


async def test_a_commit_without_a_generation(connection, topic):
    """A member that has left commits nothing (facts row 23)."""
    async with member(connection, topic) as (source, _):
        source._consumer._coordinator.reset_generation()
        with pytest.raises(CommitRefused, match="not a member"):
            await source.commit({0: 1}, 10)


async def test_a_kafka_that_is_not_there():
    """One line, at once."""
    nowhere = Connection("127.0.0.1:9", request_timeout=2)
    with pytest.raises(KafkaUnavailable, match="WORKER_KAFKA__BOOTSTRAP_SERVERS"):
        async with sender(nowhere, Silent(), max_request_size=1_000_000):
            pass


@pytest.fixture(params=["fake", "real"])
async def journal(request, unique):
    """The same suite for the stand-in and for Kafka."""
    if request.param == "fake":
        yield FakeJournalTopic()
        return
    connection = Connection(request.getfixturevalue("kafka"), request_timeout=10)
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 2, 1, {"cleanup.policy": "compact,delete"}))
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        yield JournalTopic(unique, connection, results)


EVENT = UUID(int=7)
DOUBT = Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "lost"), 1)


async def write(journal, entry, *, event=EVENT, offset=0, writer="w", partition=0):
    told: list[int] = []
    stored = await journal.append(partition, EntryKey(event, offset, writer).encode(), encode(entry), told.append)
    assert told == [stored]
    return stored


async def test_an_empty_journal(journal):
    """Nothing is known."""
    assert (await journal.claim(0)).journal.recall(EVENT, 0) == Fresh(0)


async def test_a_journal_is_restored_as_it_was_written(journal):
    """Each partition by itself; offsets follow one another."""
    assert [await write(journal, entry) for entry in (Intent(1), Released(1), Intent(2))] == [0, 1, 2]
    assert await write(journal, Finished(DOUBT), partition=1) == 0
    assert (await journal.claim(0)).journal.recall(EVENT, 0) == InDoubt(2, frozenset({"w"}))
    assert len((await journal.claim(1)).journal) == 1


async def test_the_fence_of_a_claim(journal):
    """Our own entries follow one another, however many at once; anybody else's makes a gap."""
    fence = (await journal.claim(0)).fence
    value = encode(Intent(1))
    keys = [EntryKey(uuid4(), number, "w").encode() for number in range(200)]
    await asyncio.gather(*[journal.append(0, key, value, fence.acknowledged) for key in keys])
    assert not fence.broken
    await journal.claim(0)
    await journal.append(0, keys[0], value, fence.acknowledged)
    assert fence.broken


async def test_a_partition_that_comes_back(connection, topic):
    """Its journal is read again only where somebody else has written meanwhile."""
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(topic, connection, results)
        first = await journal.claim(0)
        key = EntryKey(EVENT, 0, first.writer).encode()
        await journal.append(0, key, encode(Intent(1)), first.fence.acknowledged)
        second = await journal.claim(0, first)
        assert second.journal is first.journal
        third = await journal.claim(0, first)
        assert third.journal is not first.journal
        assert third.journal.recall(EVENT, 0) == InDoubt(1, frozenset({first.writer}))


async def made_anew(connection, topic, partitions=2):
    async with admin.opened(connection) as client:
        await client.delete([topic])
        async with asyncio.timeout(20):
            while (await client.cluster([topic])).topics:
                await asyncio.sleep(0.02)
        await client.create(TopicSpec(topic, partitions, 1))


async def test_a_journal_that_is_deleted(connection, topic):
    """What we have kept of it is remembered at the next claim, open doubts as well; of what we did not, nothing is."""
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(topic, connection, results)
        first = await journal.claim(0)
        for event, entry in ((EVENT, Intent(1)), (UUID(int=8), Finished(DOUBT))):
            key = EntryKey(event, 0, first.writer)
            await journal.append(0, key.encode(), encode(entry), first.fence.acknowledged)
            first.journal.apply(key, entry, 0)
        await made_anew(connection, topic)
        second = await journal.claim(0, first)
        assert (first.fence.broken, first.fence.anew) == (True, True)
        assert second.journal.recall(EVENT, 0) == InDoubt(1, frozenset({first.writer}))
        assert second.journal.recall(UUID(int=8), 0) == Ended(DOUBT)
        assert (await journal.claim(0)).journal.recall(EVENT, 0) == Fresh(0)


async def test_a_journal_with_other_partitions_than_the_requests(connection, topic, unique):
    """It is claimed by nobody before the numbers are equal; the error names both topics."""
    requests = f"{unique}-requests"
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(requests, 2, 1))
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(topic, connection, results, requests)
        await journal.claim(0)
        await made_anew(connection, topic, partitions=3)
        with pytest.raises(JournalMismatch, match=rf"topic {topic} .* has 3 partitions, {requests} .* has 2 partition"):
            await journal.claim(0)
        await made_anew(connection, topic)
        assert len((await journal.claim(0)).journal) == 0


async def test_a_message_that_the_topic_does_not_take(connection, unique):
    """It is refused, and the next one is published all the same (facts row 5)."""
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 1, 1, {"max.message.bytes": "2000"}))
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        await results.publish(OutgoingMessage(unique, None, b"small"))
        with pytest.raises(MessageTooLarge):
            await results.publish(OutgoingMessage(unique, None, b"x" * 5000))
        assert (await results.publish(OutgoingMessage(unique, None, b"small"))).offset == 1


async def test_claims_are_no_entries(journal):
    """A partition that was claimed often holds nothing but its events."""
    for _ in range(3):
        restored = await journal.claim(0)
    assert len(restored.journal) == 0


async def test_many_entries(journal):
    """All are there again, in order."""
    await asyncio.gather(*[write(journal, Intent(1), event=uuid4(), offset=number) for number in range(2_000)])
    assert len((await journal.claim(0)).journal) == 2_000


@pytest.mark.parametrize("key", [None, b"claim?", EntryKey(EVENT, 0, "w").encode()])
async def test_a_foreign_entry(connection, topic, key):
    """The journal is never guessed at: the error names topic, partition and offset."""
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(topic, connection, results)
        await write(journal, Intent(1))
        await results.publish(OutgoingMessage(topic, key, b"{}", partition=0))
        with pytest.raises(JournalUnreadable, match=f"{topic}/0 at offset 1"):
            await journal.claim(0)


async def test_a_tombstone(connection, topic):
    """Somebody cleaned up: it says nothing."""
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(topic, connection, results)
        await results.publish(OutgoingMessage(topic, b"whatever", None, partition=0))
        assert len((await journal.claim(0)).journal) == 0


async def test_the_end_of_a_consumer_s_offsets(connection, topic):
    """What was committed is what the group's own tools see."""
    async with sender(connection, Silent(), max_request_size=1_000_000) as results:
        await results.publish(OutgoingMessage(topic, None, b"x", partition=0))
    async with member(connection, topic) as (source, _):
        await read(source, 1)
        await source.commit({0: 1}, 10)
    async with AIOKafkaConsumer(
        bootstrap_servers=connection.bootstrap_servers, group_id=f"{topic}-g", enable_auto_commit=False
    ) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        assert await asyncio.wait_for(consumer.committed(partition), 30) == 1
