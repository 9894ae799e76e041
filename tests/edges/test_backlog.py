"""How many records wait for a group, on a real Kafka."""

import pytest
from aiokafka import AIOKafkaProducer
from logs_on_kafka import Log

from worker.kafka import admin
from worker.kafka.backlog import Backlog, backlog
from worker.kafka.connection import Connection
from worker.kafka.group import Group
from worker.topics import TopicSpec


@pytest.fixture
async def topic(kafka, unique):
    """A topic of three partitions with ten records in each, dated a second apart."""
    async with admin.opened(Connection(kafka)) as client:
        await client.create(TopicSpec(unique, 3, 1, {"retention.ms": "-1"}))
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for number in range(30):
            await producer.send_and_wait(unique, b"{}", partition=number % 3, timestamp_ms=1000 * (number // 3 + 1))
    return unique


async def waiting(kafka, topic, start="earliest"):
    return await backlog(Connection(kafka), topic, topic, start)


async def store(kafka, topic, partition, offset):
    async with admin.opened(Connection(kafka)) as client:
        await Group(client, topic).store(topic, partition, offset, 0)


@pytest.mark.parametrize(("start", "records"), [("earliest", 30), ("latest", 0), (4_000, 21), (99_000, 0)])
async def test_a_first_start(kafka, topic, start, records):
    """For a new group the setting `START` decides how many records wait."""
    assert await waiting(kafka, topic, start) == Backlog(3, begins=3, beginning=records)


async def test_a_group_that_goes_on(kafka, topic):
    """For a group with offsets deleted records do not count, nor does `START`; an offset beyond the log is told."""
    for partition, offset in enumerate((4, 2, 10)):
        await store(kafka, topic, partition, offset)
    await Log(kafka, topic, 1).delete(before=5)
    assert await waiting(kafka, topic, "latest") == Backlog(3, waiting=6 + 5)
    await store(kafka, topic, 2, 11)
    found = await waiting(kafka, topic)
    assert found.waiting == 11
    assert found.lost[0].startswith(f"{topic}/2: offset 11 is stored, and the log holds offsets 0 to 9")


async def test_a_group_that_was_told_one_place(kafka, topic):
    """Where a group has an offset in one partition the others begin where `START` says."""
    async with admin.opened(Connection(kafka)) as client:
        await Group(client, topic).store(topic, 0, 4, partitions=3)
    assert await waiting(kafka, topic, "latest") == Backlog(3, begins=2, beginning=0, waiting=6)


async def test_no_topic(kafka, unique):
    """Without the topic the answer is None, and no topic is made."""
    assert await waiting(kafka, unique) is None
