"""Single records by their place, without a group."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from worker.errors import KafkaUnavailable
from worker.kafka.beside import patiently
from worker.kafka.connection import Connection, opened
from worker.kafka.source import as_record
from worker.records import Record

POLL = 500
FETCH_WAIT = 0.02


@asynccontextmanager
async def places(connection: Connection, topic: str, within: float = 30.0) -> AsyncIterator["Places"]:
    """Of a topic that exists. Raises KafkaUnavailable."""
    consumer = AIOKafkaConsumer(
        **connection.arguments(), enable_auto_commit=False, fetch_max_wait_ms=int(FETCH_WAIT * 1000)
    )
    async with opened(consumer, connection, within):
        yield Places(consumer, topic, within)


async def bounds(
    connection: Connection, topic: str, partitions: Collection[int], within: float = 30.0
) -> dict[int, tuple[int, int]]:
    """(first, end) offsets by partition, as they are now; the partitions must exist. Raises KafkaUnavailable."""
    async with places(connection, topic, within) as found:
        try:
            async with asyncio.timeout(within):
                wanted = [TopicPartition(topic, number) for number in partitions]
                first, end = await found.consumer.beginning_offsets(wanted), await found.consumer.end_offsets(wanted)
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{topic}: cannot read it: {type(error).__name__}") from error
    return {place.partition: (first[place], end[place]) for place in wanted}


@dataclass(frozen=True, slots=True)
class Places:
    """One record at a time, wherever it is."""

    consumer: AIOKafkaConsumer
    topic: str
    within: float

    async def at(self, partition: int, offset: int) -> Record | None:
        """None where there is no record (any more); the partition must exist. Raises KafkaUnavailable."""
        place = TopicPartition(self.topic, partition)
        try:
            async with asyncio.timeout(self.within):
                self.consumer.assign([place])
                first = (await self.consumer.beginning_offsets([place]))[place]
                end = (await self.consumer.end_offsets([place]))[place]
                return await self._next(place, offset) if first <= offset < end else None
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self.topic}/{partition}: {type(error).__name__}") from error

    async def _next(self, place: TopicPartition, offset: int) -> Record | None:
        self.consumer.seek(place, offset)
        while await self.consumer.position(place) <= offset:
            batches = await patiently(self.consumer, place, timeout_ms=POLL, max_records=1)
            for record in batches.get(place, []):
                return as_record(record) if record.offset == offset else None
        return None
