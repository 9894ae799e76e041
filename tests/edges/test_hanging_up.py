"""Closing Kafka clients over TLS never waits for the server's TLS goodbye, on a loop that would wait for ever."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from patience import PATIENCE
from polite import PoliteLoop
from secured import SecuredKafka, secured_kafka
from whole_logs import read_whole

from worker.journal.claim import Claims
from worker.journal.entries import EntryKey, Intent, Owner, encode
from worker.journal.terms import Restored, Terms
from worker.kafka import admin
from worker.kafka.connection import Connection, close
from worker.kafka.extent import extent
from worker.kafka.journal_topic import JournalTopic
from worker.kafka.places import bounds
from worker.kafka.publisher import opened_publisher
from worker.topics import TopicSpec

WITHIN = 100
PARTITIONS = 8
ENTRIES = 2_000


class Silent:
    """An outage that nobody is told of."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


class World:
    """A topic of several partitions that has entries and is written to all the time."""

    def __init__(self, kafka: SecuredKafka):
        self.kafka, self.connection = kafka, kafka.connection("SSL")

    async def prepare(self):
        async with admin.opened(Connection(self.kafka.plain)) as client:
            await client.create(TopicSpec("journal", PARTITIONS, 1))

    async def filled(self, topic: JournalTopic) -> None:
        value = encode(Intent(1))
        keys = [EntryKey(UUID(int=number + 1), number, "w").encode() for number in range(ENTRIES)]
        await asyncio.gather(
            *[topic.append(number % PARTITIONS, key, value, lambda _: None) for number, key in enumerate(keys)]
        )

    async def load(self, topic: JournalTopic) -> None:
        """Write on and on, so that a reader has an answer on its way when it is closed."""
        for number in range(1_000_000):
            key = EntryKey(UUID(int=1), number, "w").encode()
            await topic.append(number % PARTITIONS, key, encode(Intent(1)), lambda _: None)


async def claimed_under_load(world: World) -> None:
    """Claim and restore each partition while all are written to."""
    async with opened_publisher(world.connection, Silent(), max_request_size=1_000_000) as publisher:
        topic = JournalTopic("journal", world.connection, publisher, "journal")
        await world.filled(topic)
        loading = asyncio.create_task(world.load(topic))
        claims = Claims(topic, Owner("g", "journal"), Terms())
        restored = await asyncio.gather(*[claims.claim(number) for number in range(PARTITIONS)])
        loading.cancel()
    assert all(isinstance(each, Restored) for each in restored)
    assert sum(len(each.journal) for each in restored) >= ENTRIES


async def read_by_commands(world: World) -> None:
    """Read as `verify`, a replay and the admin commands do."""
    await bounds(world.connection, "journal", range(PARTITIONS))
    for _ in range(4):
        async with extent(world.connection, "journal", [0]) as topic:
            _ = [passed async for _, passed in topic.read()]
        async with admin.opened(world.connection) as client:
            await client.cluster(["journal"])


async def consumed_and_closed(world: World) -> None:
    """Close consumers that have a request under way."""

    async def once(number: int) -> None:
        consumer = AIOKafkaConsumer(**world.connection.arguments(), enable_auto_commit=False)
        await consumer.start()
        place = TopicPartition("journal", number % PARTITIONS)
        await read_whole(consumer, [place])
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            await consumer.getmany(place, timeout_ms=500)
        assert await close(consumer, PATIENCE)

    await asyncio.gather(*[once(number) for number in range(16)])


WAYS: list[Callable[[World], Coroutine[Any, Any, None]]] = [claimed_under_load, read_by_commands, consumed_and_closed]


@pytest.mark.timeout(400)
def test_closing_on_the_loop_of_run(tmp_path: Path) -> None:
    """Every way of using a client ends."""

    async def played() -> None:
        async with secured_kafka(tmp_path) as kafka:
            world = World(kafka)
            await world.prepare()
            for way in WAYS:
                async with asyncio.timeout(WITHIN):
                    await way(world)

    with asyncio.Runner(loop_factory=PoliteLoop) as runner:
        runner.run(played())
