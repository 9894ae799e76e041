"""Many messages at once are published to a real Kafka in order and once, even if some are refused, cancelled, late."""

import asyncio
import os
from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from patience import PATIENCE
from whole_logs import read_whole

from worker.kafka import admin
from worker.kafka import publisher as publishers
from worker.kafka.connection import Connection
from worker.model.errors import MessageTooLarge
from worker.model.records import OutgoingMessage, Position, Stored
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import LARGEST, TopicSpec

WITHIN = PATIENCE
TOO_LARGE = b"x" * 5000


@dataclass
class Outage:
    """Remembers whether the outage is on, and its reasons."""

    details: list[str] = field(default_factory=list)
    on: bool = False
    began: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, detail):
        self.details.append(detail)
        self.on = True
        self.began.set()

    def end(self):
        self.on = False


@pytest.fixture
def outage():
    return Outage()


async def make(connection, name, partitions=1, **config):
    async with admin.opened(connection) as client:
        await client.create(
            TopicSpec(name, partitions, 1, {key.replace("_", "."): each for key, each in config.items()})
        )
    return name


async def stored(connection, topic, partition=0):
    """The values of a partition, in order."""
    place = TopicPartition(topic, partition)
    async with (
        AIOKafkaConsumer(bootstrap_servers=connection.bootstrap_servers, auto_offset_reset="earliest") as consumer,
        asyncio.timeout(WITHIN),
    ):
        await read_whole(consumer, [place])
        end = (await consumer.end_offsets([place]))[place]
        values: list[bytes | None] = []
        while await consumer.position(place) < end:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in batch]
    return values


def publishing(opened, topic, values, *, partition=0, told=None):
    """One task for each message, begun in this order."""
    acknowledged = [] if told is None else told
    return [
        asyncio.create_task(opened.store(OutgoingMessage(topic, None, value, partition=partition), acknowledged.append))
        for value in values
    ]


async def ended(tasks):
    async with asyncio.timeout(WITHIN):
        return await asyncio.gather(*tasks, return_exceptions=True)


def opened(connection, outage, **more):
    return publishers.opened_publisher(connection, outage, max_request_size=1_000_000, **more)


async def test_one_of_several_that_is_too_large(connection, unique, outage):
    """Messages that are too large fail alone; the others keep their order, and no outage is told."""
    topic = await make(connection, unique, max_message_bytes="2000")
    told: list[Position] = []
    values = [b"0", b"1", b"2", TOO_LARGE, b"4", b"5", TOO_LARGE, b"7"]
    async with opened(connection, outage) as publisher:
        answers = await ended(publishing(publisher, topic, values, told=told))
        later = await publisher.publish(OutgoingMessage(topic, None, b"later", partition=0))
    assert [number for number, each in enumerate(answers) if isinstance(each, MessageTooLarge)] == [3, 6]
    assert told == [Position(topic, 0, offset) for offset in range(6)]
    assert [each.place for each in answers if isinstance(each, Stored)] == told
    assert later.offset == 6
    assert await stored(connection, topic) == [b"0", b"1", b"2", b"4", b"5", b"7", b"later"]
    assert outage.details == []


async def test_a_message_that_is_larger_than_a_segment(connection, unique, outage):
    """A message larger than a segment of the log is too large, and no outage."""
    topic = await make(connection, unique, max_message_bytes="5000000", segment_bytes=str(1024 * 1024))
    async with publishers.opened_publisher(connection, outage, max_request_size=LARGEST) as publisher:
        answers = await ended(publishing(publisher, topic, [b"0", b"x" * 2_000_000, b"2"]))
    assert [type(each) for each in answers] == [Stored, MessageTooLarge, Stored]
    assert await stored(connection, topic) == [b"0", b"2"]
    assert outage.details == []


async def test_a_message_as_large_as_its_topic_takes(connection, unique, outage):
    """A message as large as the topic allows is published."""
    topic = await make(connection, unique, max_message_bytes=str(12 * 1024 * 1024))
    value = b"x" * (12 * 1024 * 1024 - 100)
    async with publishers.opened_publisher(connection, outage, max_request_size=LARGEST) as publisher:
        answers = await ended(publishing(publisher, topic, [value, value + b"x" * 100]))
    assert [type(each) for each in answers] == [Stored, MessageTooLarge]
    assert await stored(connection, topic) == [value]


async def test_a_message_that_fits_compressed(connection, unique, outage):
    """Messages that may be compressed fit where they would not otherwise; all keep their order and content."""
    topic = await make(connection, unique, max_message_bytes="100000")
    value = b"x" * 5_000_000
    async with publishers.opened_publisher(connection, outage, max_request_size=LARGEST) as publisher:
        plain = publishing(publisher, topic, [b"0", value, b"2"])
        packed = [
            asyncio.create_task(publisher.publish(OutgoingMessage(topic, b"k", each, (), 0, compressed=True)))
            for each in (value, os.urandom(200_000), b"5")
        ]
        last = publishing(publisher, topic, [b"6"])
        answers = await ended([*plain, *packed, *last])
    assert [number for number, each in enumerate(answers) if isinstance(each, MessageTooLarge)] == [1, 4]
    assert await stored(connection, topic) == [b"0", b"2", value, b"5", b"6"]
    assert outage.details == []


async def test_publishers_that_are_cancelled(connection, unique, outage):
    """Messages whose publishers are cancelled are stored once all the same, and their offsets told."""
    topic = await make(connection, unique)
    told: list[Position] = []
    async with opened(connection, outage) as publisher:
        tasks = publishing(publisher, topic, [b"%d" % number for number in range(20)], told=told)
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        answers = await ended(tasks)
        await publisher.publish(OutgoingMessage(topic, None, b"last", partition=0))
    assert [type(each) for each in answers] == [asyncio.CancelledError, Stored] * 10
    assert [position.offset for position in told] == list(range(20))
    assert await stored(connection, topic) == [b"%d" % number for number in range(20)] + [b"last"]


async def test_many_partitions_of_several_topics(connection, unique, outage):
    """In several topics and partitions each keeps its order, and each publisher gets its own message's place."""
    topics = [await make(connection, f"{unique}.{number}", partitions=2) for number in range(3)]
    sent: defaultdict[tuple[str, int], list[bytes]] = defaultdict(list)
    tasks = []
    async with opened(connection, outage) as publisher:
        for number in range(600):
            topic, partition = topics[number % 3], number // 3 % 2
            sent[topic, partition].append(b"%d" % number)
            tasks += publishing(publisher, topic, [b"%d" % number], partition=partition)
            if number % 50 == 0:
                await asyncio.sleep(0.005)
        answers = await ended(tasks)
    for (topic, partition), values in sent.items():
        assert await stored(connection, topic, partition) == values
    for number, each in enumerate(answers):
        assert sent[each.place.topic, each.place.partition][each.offset] == b"%d" % number


async def test_a_producer_that_is_replaced_while_others_wait(connection, unique, outage, monkeypatch):
    """A producer is replaced while messages of a deleted topic wait in it: they are stored once that is there again."""
    monkeypatch.setattr(publishers, "PATIENCE", 0.5)
    small = await make(connection, f"{unique}.small", max_message_bytes="2000")
    away = await make(connection, f"{unique}.away", partitions=2)
    async with opened(connection, outage, within=0.5) as publisher, admin.opened(connection) as client:
        poisoned = publisher.producer
        await publisher.publish(OutgoingMessage(away, None, b"first", partition=0))
        await client.delete([away])
        while (await client.cluster([away])).topics:
            await asyncio.sleep(0.02)
        tasks = publishing(publisher, away, [b"a", b"b"]) + publishing(publisher, away, [b"c"], partition=1)
        await asyncio.wait_for(outage.began.wait(), WITHIN)
        assert len(await ended(publishing(publisher, small, [b"0", TOO_LARGE, b"1"]))) == 3
        assert publisher.producer is not poisoned
        # Longer than the replaced producer has to end.
        await asyncio.sleep(1)
        assert not any(task.done() for task in tasks)
        await make(connection, away, partitions=2)
        assert [position.offset for position in await ended(tasks)] == [0, 1, 0]
        assert (await publisher.publish(OutgoingMessage(away, None, b"d", partition=0))).offset == 2
    assert f"{away}: it does not exist, or has no such partition" in outage.details
    assert await stored(connection, away) == [b"a", b"b", b"d"]
    assert await stored(connection, away, 1) == [b"c"]
    assert await stored(connection, small) == [b"0", b"1"]


async def test_a_broker_that_is_paused(unique, outage, monkeypatch):
    """A frozen broker: the outage begins after the time limit and ends once all is stored, cancelled ones as well."""
    monkeypatch.setattr(publishers, "PATIENCE", 0.5)
    async with LocalKafka() as broker:
        connection = Connection(broker.bootstrap_servers, request_timeout=10)
        topic = await make(connection, unique, partitions=2)
        told: list[Position] = []
        async with opened(connection, outage) as publisher:
            await publisher.publish(OutgoingMessage(topic, None, b"first", partition=0))
            await broker.freeze()
            tasks = publishing(publisher, topic, [b"0", b"1", b"2"], told=told)
            await asyncio.wait_for(outage.began.wait(), WITHIN)
            tasks += publishing(publisher, topic, [b"3"], told=told)
            assert outage.details[0] == f"{topic}: no acknowledgement for 0 s"
            tasks[1].cancel()
            broker.thaw()
            answers = await ended(tasks)
            await publisher.publish(OutgoingMessage(topic, None, b"last", partition=0))
        assert not outage.on
        assert [type(each) for each in answers] == [Stored, asyncio.CancelledError, Stored, Stored]
        assert [position.offset for position in told] == [1, 2, 3, 4]
        assert await stored(connection, topic) == [b"first", b"0", b"1", b"2", b"3", b"last"]


async def test_a_sender_that_is_closed_while_a_message_waits(connection, outage, unique):
    """Closing the publisher cancels those that wait, and nothing keeps trying."""
    async with publishers.opened_publisher(connection, outage, max_request_size=1_000_000, within=2) as sending:
        waiting = [
            asyncio.create_task(sending.publish(OutgoingMessage(f"{unique}-missing", b"k", b"v", partition=number)))
            for number in range(3)
        ]
        async with asyncio.timeout(WITHIN):
            await outage.began.wait()
    ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), WITHIN)
    assert [type(error) for error in ended] == [asyncio.CancelledError] * 3
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("publish")]
