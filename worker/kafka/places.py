"""Reads single records by their place, without a group."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from worker.kafka.beside import patiently
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import named, unread
from worker.kafka.reader import COMMITTED, UNCOMMITTED, Isolation, bounds_of, reader
from worker.kafka.records import as_record
from worker.model.errors import KafkaUnavailable, StartupError
from worker.model.records import Record

POLL = 500
FETCH_WAIT = 0.02
AGAIN_AFTER = 0.5


@asynccontextmanager
async def places(
    connection: Connection, topic: str, within: float = 30.0, *, isolation: Isolation = COMMITTED
) -> AsyncIterator["Places"]:
    """A reader of single records of a topic that exists. Raises KafkaUnavailable."""
    consumer = reader(connection, isolation=isolation, fetch_wait=FETCH_WAIT)
    async with opened(consumer, connection, within):
        yield Places(consumer, topic, within)


async def bounds(
    connection: Connection,
    topic: str,
    partitions: Collection[int],
    within: float = 30.0,
    *,
    isolation: Isolation = COMMITTED,
) -> dict[int, tuple[int, int]]:
    """(first, end) offsets by partition, as they are now; the partitions must exist. Raises KafkaUnavailable."""
    async with places(connection, topic, within, isolation=isolation) as found:
        bounded = await bounds_of(found.consumer, topic, partitions, within)
    return {place.partition: span for place, span in bounded.items()}


async def offsets_since(
    connection: Connection, topic: str, partitions: Collection[int], moment: int, within: float = 30.0
) -> dict[int, int]:
    """By partition the first offset of that time (milliseconds since the epoch) or later. Raises KafkaUnavailable.

    A partition without such a record is left out.
    """
    asked = {TopicPartition(topic, number): moment for number in partitions}
    try:
        async with places(connection, topic, within) as found, asyncio.timeout(within):
            told = await found.consumer.offsets_for_times(asked)
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"{topic}: {named(error, topic=topic)}") from error
    return {place.partition: each.offset for place, each in told.items() if each is not None}


async def settled_bounds(
    connection: Connection, topic: str, partitions: Collection[int], within: float = 30.0
) -> dict[int, tuple[int, int]]:
    """The (first, end) offsets of what is committed, once every transaction that was open at the call has ended.

    StartupError names a transaction that stays open.
    """
    written = await bounds(connection, topic, partitions, within, isolation=UNCOMMITTED)
    try:
        async with asyncio.timeout(within) as deadline:
            return await _settled(connection, topic, written, within, deadline)
    except TimeoutError:
        raise KafkaUnavailable(f"{topic}: no answer about what is committed") from None


async def _settled(
    connection: Connection,
    topic: str,
    written: Mapping[int, tuple[int, int]],
    within: float,
    deadline: asyncio.Timeout,
) -> dict[int, tuple[int, int]]:
    while True:
        stable = await bounds(connection, topic, written, within)
        opened_at = {number: end for number, (_, end) in stable.items() if end < written[number][1]}
        if not opened_at:
            return stable
        if asyncio.get_running_loop().time() + AGAIN_AFTER >= (deadline.when() or 0.0):
            where = ", ".join(f"{number}@{offset}" for number, offset in opened_at.items())
            raise StartupError(f"{topic}: a transaction is open at {where}: what stands behind it is not known yet")
        await asyncio.sleep(AGAIN_AFTER)


@dataclass(frozen=True, slots=True)
class Places:
    """Reads one record at a time, wherever it is."""

    consumer: AIOKafkaConsumer
    topic: str
    within: float

    async def at(self, partition: int, offset: int) -> Record | None:
        """The record; None where there is none, or none any more. The partition must exist. Raises KafkaUnavailable."""
        place = TopicPartition(self.topic, partition)
        try:
            async with asyncio.timeout(self.within):
                self.consumer.assign([place])
                first = (await self.consumer.beginning_offsets([place]))[place]
                end = (await self.consumer.end_offsets([place]))[place]
                return await self._next(place, offset) if first <= offset < end else None
        except OffsetOutOfRangeError:
            return None  # deleted since its partition's bounds were asked for
        except (KafkaError, TimeoutError) as error:
            raise unread(place, error) from error

    async def _next(self, place: TopicPartition, offset: int) -> Record | None:
        self.consumer.seek(place, offset)
        while await self.consumer.position(place) <= offset:
            batches = await patiently(self.consumer, place, timeout_ms=POLL, max_records=1)
            for record in batches.get(place, []):
                return as_record(record) if record.offset == offset else None
        return None
