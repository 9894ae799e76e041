"""Reads a topic backwards from its present end: the newest records of all its partitions first, without a group."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Generic, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from worker.kafka.beside import patiently
from worker.kafka.connection import Connection, opened
from worker.kafka.extent import Extent
from worker.kafka.failures import unread
from worker.kafka.reader import UNCOMMITTED, bounds_of, new_start, reader
from worker.kafka.records import as_record
from worker.model.records import Record

FIRST_STEP = 50
# Of so many records, over all partitions, rows are held in memory at once.
HELD = 12_000
POLL = 500
# Seconds: at the end of a partition the client's prefetching would keep the next step waiting for so long.
FETCH_WAIT = 0.02


class Dated(Protocol):
    """What is made of a record; `timestamp` is the record's."""

    @property
    def timestamp(self) -> int: ...


Row = TypeVar("Row", bound=Dated)


@asynccontextmanager
async def newest_first(
    connection: Connection,
    topic: str,
    spans: Mapping[int, tuple[int, int]],
    *,
    since: int | None = None,
    within: float = 30.0,
) -> AsyncIterator["NewestFirst"]:
    """The offsets (first, end) of these partitions, which must exist. Raises KafkaUnavailable.

    Records before the time `since` (milliseconds since the epoch) may be left out; what is written later is not read.
    """
    consumer = reader(connection, isolation=UNCOMMITTED, fetch_wait=FETCH_WAIT)
    async with opened(consumer, connection, within):
        bounded = await bounds_of(consumer, topic, spans, within)
        dated = {} if since is None else await Extent(consumer, bounded, within).at(since)
        bounds = {}
        for place, (first, end) in bounded.items():
            low, high = spans[place.partition]
            bounds[place] = (max(low, first, dated.get(place.partition, first)), min(high, end))
        yield NewestFirst(consumer, bounds, within)


@dataclass(slots=True)
class _Tail(Generic[Row]):
    """What is left of a partition: `rows` were read, the oldest first; of the rest, `first` up to below `end`."""

    place: TopicPartition
    first: int
    end: int
    step: int = FIRST_STEP
    rows: list[Row] = field(default_factory=list)

    @property
    def order(self) -> tuple[int, int]:
        return -self.rows[-1].timestamp, self.place.partition


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """Records, the newest first: within a partition by offset, between partitions by timestamp."""

    consumer: AIOKafkaConsumer
    bounds: dict[TopicPartition, tuple[int, int]]
    within: float

    @property
    def size(self) -> int:
        """How many offsets are to be read at most."""
        return sum(max(0, end - first) for first, end in self.bounds.values())

    async def read(
        self, take: Callable[[Record], Row], advance: Callable[[int], None] = lambda _: None
    ) -> AsyncIterator[Row]:
        """Yield what `take` makes of each record; `advance` is told how many offsets were passed."""
        tails = [_Tail[Row](place, first, end) for place, (first, end) in self.bounds.items()]
        waiting = []
        for tail in tails:
            await self._load(tail, take, advance)
            if tail.rows:
                waiting.append((tail.order, tail))
        heapify(waiting)
        while waiting:
            _, tail = heappop(waiting)
            yield tail.rows.pop()
            if not tail.rows:
                await self._load(tail, take, advance)
            if tail.rows:
                heappush(waiting, (tail.order, tail))

    async def _load(self, tail: _Tail[Row], take: Callable[[Record], Row], advance: Callable[[int], None]) -> None:
        """Read the next older rows, more at each time; none where nothing is left."""
        most = max(FIRST_STEP, HELD // len(self.bounds))
        while not tail.rows and tail.end > tail.first:
            start = max(tail.first, tail.end - tail.step)
            await self._between(tail, start, take)
            advance(max(0, tail.end - start))
            tail.end, tail.step = start, min(tail.step * 4, most)

    async def _between(self, tail: _Tail[Row], start: int, take: Callable[[Record], Row]) -> None:
        self.consumer.assign([tail.place])
        self.consumer.seek(tail.place, start)
        try:
            async with asyncio.timeout(self.within):
                while await self.consumer.position(tail.place) < tail.end:
                    try:
                        batches = await patiently(self.consumer, tail.place, timeout_ms=POLL)
                    except OffsetOutOfRangeError:
                        await self._go_on(tail)
                        continue
                    records = [each for batch in batches.values() for each in batch if each.offset < tail.end]
                    tail.rows += [take(as_record(each)) for each in records]
        except (KafkaError, TimeoutError) as error:
            raise unread(tail.place, error) from error

    async def _go_on(self, tail: _Tail[Row]) -> None:
        """Go on at the log's new start: what was deleted meanwhile cannot be listed."""
        tail.first = await new_start(self.consumer, tail.place, await self.consumer.position(tail.place))
        self.consumer.seek(tail.place, tail.first)
