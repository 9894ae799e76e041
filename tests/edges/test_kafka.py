"""Reading, publishing and the journal on a real Kafka."""

import asyncio
import time
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from claiming import Suite
from grouped import Given, member, read
from patience import PATIENCE

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.membership import Membership
from worker.kafka.publisher import opened_publisher
from worker.kafka.source import FETCH_BYTES_EACH, record_source
from worker.model.errors import CommitRefused, KafkaUnavailable, MessageTooLarge, StartupError
from worker.model.progress import Progress
from worker.model.records import OutgoingMessage, Position
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import TopicSpec

WEEK = 7 * 86_400 * 10**9


class Silent:
    """An outage that nobody is told of."""

    def begin(self, detail):
        self.detail = detail

    def end(self):
        pass


async def test_a_message_comes_back_as_it_was_published(connection, topic):
    """A message is read with the same key, value and headers, at the position that was acknowledged."""
    message = OutgoingMessage(topic, b"k", b"\xff\x00", (("a", b"\xfe"), ("b", None), ("a", b"")), partition=1)
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        position = await results.publish(message)
    assert position == Position(topic, 1, 0)
    async with member(connection, topic) as (source, _):
        (record,) = await read(source, 1)
    assert (record.partition, record.offset, record.key, record.value) == (1, 0, b"k", b"\xff\x00")
    assert record.headers == message.headers


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_is_readable(connection, topic, codec):
    """Records in each compression codec can be read."""
    async with AIOKafkaProducer(bootstrap_servers=connection.bootstrap_servers, compression_type=codec) as producer:
        await asyncio.wait_for(producer.send_and_wait(topic, codec.encode() * 100), PATIENCE)
    async with member(connection, topic) as (source, _):
        (record,) = await read(source, 1)
    assert record.value == codec.encode() * 100


async def test_records_larger_than_what_is_read_ahead(connection, topic):
    """Records larger than the read-ahead limits can be read."""
    values = [bytes([number]) * (3 * FETCH_BYTES_EACH) for number in range(4)]
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        for value in values:
            await results.publish(OutgoingMessage(topic, None, value, partition=0))
    async with member(connection, topic) as (source, _):
        assert [record.value for record in await read(source, 4)] == values


async def test_a_committed_offset_is_where_the_next_member_begins(connection, topic):
    """A new member goes on at the committed offset; only the partitions that are asked for are read."""
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        for number in range(4):
            await results.publish(OutgoingMessage(topic, None, str(number).encode(), partition=number % 2))
    async with member(connection, topic) as (source, _):
        assert [record.value for record in await read(source, 2, partitions=[1])] == [b"1", b"3"]
        await source.commit({1: Progress(1)}, 10)
    async with member(connection, topic) as (source, _):
        assert {record.value for record in await read(source, 3)} == {b"0", b"2", b"3"}


async def test_a_second_member(connection, topic):
    """When a second member joins each has one of the two partitions."""
    async with member(connection, topic) as (_, given), member(connection, topic) as (_, others):
        async with asyncio.timeout(PATIENCE):
            while given.partitions | others.partitions != {0, 1} or given.partitions & others.partitions:
                await asyncio.sleep(0.05)
        assert [len(each.partitions) for each in (given, others)] == [1, 1]


async def test_a_commit_of_what_is_not_ours(connection, topic):
    """A commit for a partition that the member does not have is refused."""
    async with member(connection, topic) as (source, _):
        with pytest.raises(CommitRefused):
            await source.commit({7: Progress(1)}, 10)


async def test_a_commit_without_a_generation(connection, topic):
    """A member that has left commits nothing (docs: kafka, a commit without a generation)."""
    async with member(connection, topic) as (source, _):
        source._consumer._coordinator.reset_generation()  # type: ignore[union-attr]  # it has one in a group
        with pytest.raises(CommitRefused, match="not a member"):
            await source.commit({0: Progress(1)}, 10)


async def test_a_kafka_that_is_not_there():
    """Without a Kafka the error names the setting."""
    nowhere = Connection("127.0.0.1:9", request_timeout=2)
    with pytest.raises(KafkaUnavailable, match="WORKER_KAFKA__BOOTSTRAP_SERVERS"):
        async with opened_publisher(nowhere, Silent(), max_request_size=1_000_000):
            pass


async def polling(connection, membership):
    """Poll until the reason is known why no session is possible."""
    async with record_source(connection, membership, Given()) as source, asyncio.timeout(PATIENCE):
        while True:
            await source.poll([0], within=0.1, at_most=1)


async def asked(connection):
    async with admin.opened(connection) as client:
        await client.cluster(["x"])


async def published(connection):
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        await results.publish(OutgoingMessage("x", None, b"x"))


async def test_a_session_that_the_brokers_refuse(connection, topic):
    """A session timeout that the brokers refuse: the error names its setting, and not the address."""
    membership = Membership(topic, f"{topic}-g", session_timeout=5000, rebalance_timeout=10)
    with pytest.raises((StartupError, KafkaUnavailable), match="WORKER_KAFKA__SESSION_TIMEOUT") as refused:
        await polling(connection, membership)
    assert "BOOTSTRAP_SERVERS" not in str(refused.value)


async def test_a_kafka_that_advertises_an_address_nobody_reaches():
    """A broker that advertises an unreachable address: the error names that address and where it comes from."""
    elsewhere = "no-such-host.invalid:9092"
    async with LocalKafka(properties={"advertised.listeners": f"PLAINTEXT://{elsewhere}"}) as kafka:
        connection = Connection(kafka.bootstrap_servers, request_timeout=5)
        for use in (asked, published):
            with pytest.raises(KafkaUnavailable, match=f"names {elsewhere} as one of its brokers.*no such host"):
                await use(connection)


class OnKafka:
    """A journal topic of two partitions, and a request topic of two."""

    def __init__(self, connection, topic, results):
        self.connection, self.topic = connection, topic
        self.log = JournalTopic(topic, connection, results, f"{topic}-requests")

    async def made_anew(self, partitions=2):
        async with admin.opened(self.connection) as client:
            await client.delete([self.topic])
            async with asyncio.timeout(PATIENCE):
                while (await client.cluster([self.topic])).topics:
                    await asyncio.sleep(0.02)
            await client.create(TopicSpec(self.topic, partitions, 1))

    async def delete(self, below):
        async with admin.opened(self.connection) as client:
            await client.client.delete_records({TopicPartition(self.topic, 0): RecordsToDelete(before_offset=below)})


class TestClaims(Suite):
    """The suite of `claiming.py` on a real Kafka."""

    @pytest.fixture
    async def rig(self, connection, unique):
        async with admin.opened(connection) as client:
            # A compacted topic would refuse the suite's records without a key.
            await client.create(TopicSpec(unique, 2, 1))
            await client.create(TopicSpec(f"{unique}-requests", 2, 1))
        async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
            yield OnKafka(connection, unique, results)


@pytest.mark.parametrize(("by", "told"), [("LogAppendTime", True), ("CreateTime", False)])
async def test_when_an_entry_was_written(connection, unique, by, told):
    """An entry's time is the broker's, where the topic has `LogAppendTime`; otherwise none is told."""
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 1, 1, {"message.timestamp.type": by}))
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(unique, connection, results, unique)
        stored = [await journal.append(0, b"k", b"v", lambda _: None) for _ in range(2)]
        read: list[int] = []
        await journal.read(0, None, None, lambda lines: read.extend(line.timestamp for line in lines))
    assert [each.time for each in stored] == (read if told else [None, None])


async def test_a_clock_that_is_a_week_behind(connection, topic, monkeypatch):
    """With the clock a week behind a new entry is dated no earlier than those in its partition."""
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        journal = JournalTopic(topic, connection, results, topic)
        await journal.append(0, b"k", b"v", lambda _: None)
        read: list[int] = []
        await journal.read(0, None, None, lambda lines: read.extend(line.timestamp for line in lines))
        monkeypatch.setattr("worker.kafka.journal_topic.time", SimpleNamespace(time_ns=lambda: time.time_ns() - WEEK))
        await journal.append(0, b"k", b"v", lambda _: None)
        await journal.append(1, b"k", b"v", lambda _: None)
        for partition in (0, 1):
            await journal.read(partition, None, None, lambda lines: read.extend(line.timestamp for line in lines))
    assert read[:3] == [read[0]] * 3
    assert read[3] < read[0] - WEEK // 2_000_000


async def test_a_message_that_the_topic_does_not_take(connection, unique):
    """A message that is too large is refused; the next one is published (docs: kafka, a message that is too large)."""
    async with admin.opened(connection) as client:
        await client.create(TopicSpec(unique, 1, 1, {"max.message.bytes": "2000"}))
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        await results.publish(OutgoingMessage(unique, None, b"small"))
        with pytest.raises(MessageTooLarge):
            await results.publish(OutgoingMessage(unique, None, b"x" * 5000))
        assert (await results.publish(OutgoingMessage(unique, None, b"small"))).offset == 1


async def test_the_end_of_a_consumer_s_offsets(connection, topic):
    """A committed offset is what Kafka's own tools read."""
    async with opened_publisher(connection, Silent(), max_request_size=1_000_000) as results:
        await results.publish(OutgoingMessage(topic, None, b"x", partition=0))
    async with member(connection, topic) as (source, _):
        await read(source, 1)
        await source.commit({0: Progress(1)}, 10)
    async with AIOKafkaConsumer(
        bootstrap_servers=connection.bootstrap_servers, group_id=f"{topic}-g", enable_auto_commit=False
    ) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        assert await asyncio.wait_for(consumer.committed(partition), PATIENCE) == 1
