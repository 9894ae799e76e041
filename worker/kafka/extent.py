"""A topic as it is now: each partition read once, from its beginning to its present end, without a group."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from worker.intake.beginnings import Start
from worker.kafka.beside import patiently
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import named, unread
from worker.kafka.reader import COMMITTED, Isolation, bounds_of, new_start, reader
from worker.kafka.records import as_record
from worker.model.errors import KafkaUnavailable, LogStartMoved
from worker.model.records import Record

Form = TypeVar("Form")

log = structlog.get_logger()
POLL = 500
AT_ONCE = 2_000
AGAIN = 5


@asynccontextmanager
async def extent(
    connection: Connection,
    topic: str,
    partitions: Collection[int],
    within: float = 30.0,
    *,
    isolation: Isolation = COMMITTED,
) -> AsyncIterator["Extent"]:
    """These partitions, which must exist, up to their present end. Raises KafkaUnavailable."""
    consumer = reader(connection, isolation=isolation)
    async with opened(consumer, connection, within):
        yield Extent(consumer, await bounds_of(consumer, topic, partitions, within), within)


@dataclass(frozen=True, slots=True)
class Extent:
    """Partitions to be read one after the other; `ends` are their (first, end) offsets."""

    consumer: AIOKafkaConsumer
    ends: dict[TopicPartition, tuple[int, int]]
    within: float

    @property
    def size(self) -> int:
        """Offsets to be read; there are fewer records where the topic is compacted."""
        return sum(end - first for first, end in self.ends.values())

    def narrowed(self, spans: Mapping[int, tuple[int, int]]) -> "Extent":
        """The same with these partitions alone, and of each only what lies within (first, end)."""
        ends = {place: spans[place.partition] for place in self.ends if place.partition in spans}
        return replace(self, ends={place: _inside(span, self.ends[place]) for place, span in ends.items()})

    async def anew(self, topic: str, partitions: Collection[int]) -> "Extent":
        """These partitions of that topic as they are by now. Raises KafkaUnavailable."""
        return replace(self, ends=await bounds_of(self.consumer, topic, partitions, self.within))

    async def at(self, moment: int) -> dict[int, int]:
        """By partition the first offset of that time or later (milliseconds since the epoch).

        The end where there is none. A time before 1970, which the client refuses, counts as 1970.
        """
        try:
            async with asyncio.timeout(self.within):
                found = await self.consumer.offsets_for_times(dict.fromkeys(self.ends, max(0, moment)))
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"the offsets of a time cannot be read: {named(error)}") from error
        return {
            place.partition: at.offset if (at := found.get(place)) else end for place, (_, end) in self.ends.items()
        }

    async def starts(self, start: Start) -> dict[int, int]:
        """By partition the offset at which a group begins that has stored nothing."""
        if isinstance(start, int):
            return await self.at(start)
        return {place.partition: first if start == "earliest" else end for place, (first, end) in self.ends.items()}

    def read(self) -> AsyncIterator[tuple[list[Record], int]]:
        """Yield records of one partition in their order, and how many offsets were passed with them.

        Raises KafkaUnavailable where nothing comes, LogStartMoved where what was to be read was deleted meanwhile.
        """
        return self.read_as(as_record)

    async def read_as(
        self, form: Callable[[ConsumerRecord[bytes, bytes]], Form]
    ) -> AsyncIterator[tuple[list[Form], int]]:
        """As `read`, with what `form` makes of each of the client's records; that saves making one of ours."""
        for place, (first, end) in self.ends.items():
            self.consumer.assign([place])
            self.consumer.seek(place, first)
            position = first
            while position < end:
                formed = [form(record) for record in await self._next(place) if record.offset < end]
                passed = min(await self.consumer.position(place), end) - position
                position += passed
                yield formed, passed

    async def _some(self, place: TopicPartition) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        try:
            batches = await patiently(self.consumer, place, timeout_ms=POLL, max_records=AT_ONCE)
        except OffsetOutOfRangeError:
            position = await self.consumer.position(place)
            first = await new_start(self.consumer, place, position)
            lost = f"{place.topic}/{place.partition}: offsets {position} to {first - 1} were deleted while it was read"
            raise LogStartMoved(lost) from None
        return dict(batches)

    async def _next(self, place: TopicPartition) -> list[ConsumerRecord[bytes, bytes]]:
        """The next records, or none where compaction left only a hole."""
        before = await self.consumer.position(place)
        try:
            async with asyncio.timeout(self.within):
                while True:
                    batches = await self._some(place)
                    if batches or await self.consumer.position(place) > before:
                        return [record for batch in batches.values() for record in batch]
        except (KafkaError, TimeoutError) as error:
            raise unread(place, error) from error


async def unmoved(read: Callable[[], Awaitable[Form]]) -> Form:
    """The result of `read`, which is called again where a log's start moves beyond what was to be read."""
    for _ in range(AGAIN):
        try:
            return await read()
        except LogStartMoved as error:
            log.warning("reading.restarted", detail=str(error))
    return await read()


async def what_is_left(whole: Extent, partition: int, span: tuple[int, int]) -> AsyncIterator[tuple[list[Record], int]]:
    """As `Extent.read`, of these offsets of a partition; what is deleted while it is read is passed over."""
    position, end = span
    while True:
        part = whole.narrowed({partition: (position, end)})
        ((place, (position, end)),) = part.ends.items()
        try:
            async for records, passed in part.read():
                yield records, passed
                position += passed
        except LogStartMoved as error:
            log.warning("reading.restarted", detail=str(error))
            whole = await whole.anew(place.topic, [partition])
        else:
            return


def _inside(span: tuple[int, int], whole: tuple[int, int]) -> tuple[int, int]:
    return max(span[0], whole[0]), min(span[1], whole[1])
