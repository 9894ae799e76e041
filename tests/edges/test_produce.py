"""`produce`: events from a file to a real Kafka."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from patience import PATIENCE

from worker.kafka import admin, bulk
from worker.kafka.connection import Connection, opened
from worker.model.errors import KafkaUnavailable
from worker.model.records import OutgoingMessage
from worker.tools.produce import produce
from worker.tools.reading.event_file import Form, read
from worker.topics import TopicSpec

Fetched = ConsumerRecord[bytes, bytes]
Fetch = Callable[[int], Awaitable[list[Fetched]]]


@pytest.fixture
async def topic(kafka: str, unique: str) -> str:
    """A topic of three partitions."""
    async with admin.opened(Connection(kafka)) as topics:
        await topics.create(TopicSpec(unique, 3, 1))
    return unique


@pytest.fixture
def fetch(kafka: str, topic: str) -> Fetch:
    """Reads that many records of the topic."""

    async def fetched(count: int) -> list[Fetched]:
        connection = Connection(kafka)
        consumer = AIOKafkaConsumer(topic, auto_offset_reset="earliest", **connection.arguments())
        async with opened(consumer, connection, within=PATIENCE):
            return [await consumer.getone() for _ in range(count)]

    return fetched


async def test_file_of_cloudevents(kafka: str, topic: str, fetch: Fetch, tmp_path: Path) -> None:
    """CloudEvents arrive unchanged, those of one key in order in one partition."""
    lines = [b'{"specversion":"1.0","id":"%d","subject":"key-%d"}' % (number, number % 7) for number in range(2000)]
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join(lines))
    async with bulk.opened(Connection(kafka), unacknowledged=50) as publisher:
        with file.open("rb") as events:
            done = await produce(read(events), publisher, topic)
        assert publisher.unacknowledged == 0
    assert (done.events, done.size, done.problem) == (2000, sum(map(len, lines)), None)
    records = await fetch(2000)
    assert sorted(record.value or b"" for record in records) == sorted(lines)
    for key in {record.key for record in records}:
        of_key = [record for record in records if record.key == key]
        assert len({record.partition for record in of_key}) == 1
        assert [record.value for record in of_key] == [line for line in lines if line.endswith(b'"%s"}' % key)]
    assert {record.headers for record in records} == {(("content-type", b"application/cloudevents+json"),)}


async def test_file_of_records(kafka: str, topic: str, fetch: Fetch, tmp_path: Path) -> None:
    """Whole records arrive with their keys, headers and null values."""
    file = tmp_path / "records.ndjson"
    file.write_bytes(b'{"payload":null,"key":"k"}\n{"payload":"x","key":"k","headers":["ce_id","1","ce_id",null]}\n')
    async with bulk.opened(Connection(kafka)) as publisher:
        with file.open("rb") as records:
            done = await produce(read(records, Form(records=True)), publisher, topic)
    assert done.problem is None
    first, second = await fetch(2)
    assert (first.key, first.value, first.headers) == (b"k", None, ())
    assert (second.key, second.value, second.headers) == (b"k", b"x", (("ce_id", b"1"), ("ce_id", None)))


async def test_bad_line(kafka: str, topic: str, fetch: Fetch, tmp_path: Path) -> None:
    """A bad line is named; the events before it are in Kafka."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"a":1}\nno event\n{"a":2}\n')
    async with bulk.opened(Connection(kafka)) as publisher:
        with file.open("rb") as events:
            done = await produce(read(events), publisher, topic)
    assert str(done.problem).startswith("line 2: not JSON")
    assert [record.value for record in await fetch(1)] == [b'{"a":1}']


async def test_topic_that_never_comes(kafka: str, unique: str) -> None:
    """A topic that does not exist is named after the time limit."""
    async with bulk.opened(Connection(kafka, request_timeout=0.5)) as publisher:
        with pytest.raises(KafkaUnavailable, match=f"^{unique}-missing: it does not exist"):
            await publisher.hand_over(OutgoingMessage(f"{unique}-missing", None, b"x"))


async def test_event_larger_than_a_request(kafka: str, topic: str, tmp_path: Path) -> None:
    """An event that is too large is named by its line; the events before it are in Kafka."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"a":1}\n{"a":"' + b"x" * 2000 + b'"}\n')
    async with bulk.opened(Connection(kafka), largest=1000) as publisher:
        with file.open("rb") as events:
            done = await produce(read(events), publisher, topic)
    assert (done.events, done.unknown) == (1, 0)
    assert str(done.problem).startswith("line 2: Kafka at ")
