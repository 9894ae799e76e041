"""Records are deleted on a real Kafka while somebody reads them."""

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from closing_clients import closing
from logs_on_kafka import Log

from worker.journal.claim import Claims
from worker.journal.entries import EntryKey, Intent, Owner, encode
from worker.journal.terms import Terms
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import extent
from worker.kafka.follow import followed
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.newest import newest_first
from worker.kafka.places import places
from worker.model.errors import LogStartMoved
from worker.topics import TopicSpec


@pytest.fixture
async def log(kafka, unique):
    async with admin.opened(Connection(kafka)) as client:
        await client.create(TopicSpec(unique, 1, 1))
    return Log(kafka, unique)


@asynccontextmanager
async def deleted_at_first_poll(monkeypatch, log, before):
    """Delete records after a reader asked where the log begins, and before it fetches."""
    getmany, deleted = AIOKafkaConsumer.getmany, list[int]()

    async def late(consumer, *places, **limits):
        if not deleted:
            await log.delete(before)
            deleted.append(before)
        return await getmany(consumer, *places, **limits)

    with monkeypatch.context() as patched:
        patched.setattr(AIOKafkaConsumer, "getmany", late)
        # Nothing is fetched before the first poll.
        patched.setattr("aiokafka.consumer.fetcher.Fetcher._get_actions_per_node", held_back(deleted))
        yield
    assert deleted


def held_back(until):
    from aiokafka.consumer.fetcher import Fetcher  # noqa: PLC0415  what is replaced

    decide = Fetcher._get_actions_per_node

    def decided(fetcher, assignment):
        return decide(fetcher, assignment) if until else ([], {}, 0.01, False, [])

    return decided


async def test_a_journal_whose_start_moves_while_it_is_read(kafka, log, monkeypatch):
    """A restore of the journal reads what is left."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        for number in range(6):
            key = EntryKey(UUID(int=number), number, "w").encode()
            await producer.send_and_wait(log.topic, encode(Intent(1)), key, 0)
    topic = JournalTopic(log.topic, Connection(kafka), SimpleNamespace(), "requests")  # type: ignore[arg-type]
    journal = Claims(topic, Owner("g", "requests"), Terms())
    async with deleted_at_first_poll(monkeypatch, log, 4):
        assert [event.int for event in await journal._read_again(0, None, 6)] == [4, 5]
    await asyncio.gather(*closing())


async def test_a_topic_that_a_command_reads(kafka, log, monkeypatch):
    """A command that reads the whole topic raises an error with the deleted offsets."""
    await log.write(6)
    async with deleted_at_first_poll(monkeypatch, log, 4), extent(Connection(kafka), log.topic, [0]) as topic:
        with pytest.raises(LogStartMoved, match="offsets 0 to 3 were deleted"):
            _ = [records async for records, _ in topic.read()]


async def test_the_newest_records(kafka, log, monkeypatch):
    """Reading the newest records gives those that are left."""
    await log.write(6)
    spans = {0: (0, 2**62)}
    async with (
        deleted_at_first_poll(monkeypatch, log, 4),
        newest_first(Connection(kafka), log.topic, spans) as topic,
    ):
        assert [row.offset async for row in topic.read(lambda record: record)] == [5, 4]


async def test_a_single_record(kafka, log, monkeypatch):
    """Reading a deleted record gives None."""
    await log.write(6)
    async with deleted_at_first_poll(monkeypatch, log, 4), places(Connection(kafka), log.topic) as topic:
        assert await topic.at(0, 2) is None
        assert (await topic.at(0, 4)) is not None


async def test_a_topic_that_is_followed(kafka, log):
    """Following a topic goes on at its new beginning."""
    await log.write(3)
    async with followed(Connection(kafka), [log.topic]) as results:
        seen: list[int] = []
        while len(seen) < 3:
            seen += [record.offset for record in await results.poll(0.2)]
        await log.delete(3)
        results.consumer.seek(next(iter(results.positions)), 1)
        await log.write(1)
        while len(seen) < 4:
            seen += [record.offset for record in await results.poll(0.2)]
    assert seen == [0, 1, 2, 3]
