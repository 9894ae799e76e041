"""Reads topics from their beginning, without a group: nothing is committed and no group notices."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from worker import clocks
from worker.kafka.beside import PLACELESS, is_of_all, patiently
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import explained, named
from worker.kafka.reader import UNCOMMITTED, placeless, reader
from worker.kafka.records import as_record
from worker.kafka.revival import revive_fetcher
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record

FETCH_WAIT = 0.1
ASK_WITHIN = 10.0
ONE_BY_ONE_FOR = 5.0
"""Seconds for which partitions are polled one by one: a producer whose records are odd writes more of them."""
Batches = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


@asynccontextmanager
async def followed(
    connection: Connection,
    topics: Collection[str],
    within: float = 10.0,
    *,
    from_now: bool = False,
    after: Mapping[int, int] | None = None,
) -> AsyncIterator["Followed"]:
    """All partitions of these topics, which must exist. Raises KafkaUnavailable.

    `from_now` leaves out what they hold; `after` says, by partition, from which offset on they are read.
    """
    consumer = reader(connection, *topics, isolation=UNCOMMITTED, fetch_wait=FETCH_WAIT)
    async with opened(consumer, connection, within):
        with explained(connection.bootstrap_servers, connection.security_protocol):
            async with asyncio.timeout(within):
                ours = consumer.assignment()
                first, end = await consumer.beginning_offsets(ours), await consumer.end_offsets(ours)
        positions = end if from_now else first
        positions = {place: (after or {}).get(place.partition, offset) for place, offset in positions.items()}
        for place, offset in positions.items():
            consumer.seek(place, offset)
        yield Followed(consumer, positions, {place: (first[place], end[place]) for place in ours})


@dataclass(slots=True)
class Followed:
    """Hands out the records of each partition in their order, odd ones among them.

    Where the client cannot read some partition, its poll loses what it had of the others. Then all are set back to what
    was handed out, and each is polled by itself for a while.
    """

    consumer: AIOKafkaConsumer
    positions: dict[TopicPartition, int]
    began: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    """The (first, end) offsets that each partition had when it was opened."""
    _until: float = 0.0

    async def poll(self, within: float) -> list[Record]:
        """The next records; none after that many seconds.

        Raises KafkaUnavailable; about records that nobody can read, with their place, only when there are no others.
        """
        one_by_one = clocks.monotonic() < self._until
        batches = await (self._one_by_one(within) if one_by_one else self._together(within))
        if not batches:
            revive_fetcher(self.consumer)
        for place, batch in batches.items():
            self.positions[place] = batch[-1].offset + 1
        return [as_record(each) for batch in batches.values() for each in batch]

    async def _together(self, within: float) -> Batches:
        try:
            found: Batches = await self.consumer.getmany(timeout_ms=int(within * 1000))
        except PLACELESS as error:
            await self._find(placeless(error), within)
        except Exception as error:
            if is_of_all(error):
                raise _unavailable(error) from error
            self._back()
            self._until = clocks.monotonic() + ONE_BY_ONE_FOR
        else:
            return found
        return {}

    async def _one_by_one(self, within: float) -> Batches:
        """Poll each partition by itself, all at the same time: those with nothing to read cost no more than one."""
        places, milliseconds = list(self.consumer.assignment()), int(within * 1000)
        asked = (patiently(self.consumer, place, timeout_ms=milliseconds) for place in places)
        told = await asyncio.gather(*asked, return_exceptions=True)
        found = {place: batch for each in told if isinstance(each, dict) for place, batch in each.items()}
        error = next((each for each in told if isinstance(each, BaseException)), None)
        if found or error is None:
            return found
        if isinstance(error, PLACELESS):
            await self._find(placeless(error), within)
            return {}
        raise _unavailable(error) from error

    def _back(self) -> None:
        for place in self.consumer.assignment():
            if place in self.positions:
                self.consumer.seek(place, self.positions[place])

    async def spans(self, within: float = ASK_WITHIN) -> dict[TopicPartition, tuple[int, int]]:
        """The (first, end) offsets that each partition has now. Raises KafkaUnavailable."""
        ours = self.consumer.assignment()
        try:
            async with asyncio.timeout(within):
                first, end = await self.consumer.beginning_offsets(ours), await self.consumer.end_offsets(ours)
        except (KafkaError, TimeoutError) as error:
            raise _unavailable(error) from error
        return {place: (first[place], end[place]) for place in ours}

    async def _find(self, lost: Collection[TopicPartition], within: float) -> None:
        """Set these partitions to where they were, or to their log's beginning if that is later, or they are new."""
        try:
            async with asyncio.timeout(max(ASK_WITHIN, within)):
                first = await self.consumer.beginning_offsets(lost)
        except (KafkaError, TimeoutError) as error:
            raise _unavailable(error) from error
        for place, offset in first.items():
            self.positions[place] = max(offset, self.positions.get(place, 0))
            self.consumer.seek(place, self.positions[place])


def _unavailable(error: BaseException) -> KafkaUnavailable:
    if isinstance(error, KafkaUnavailable):
        return error
    why = named(error) if isinstance(error, Exception) else type(error).__name__
    return KafkaUnavailable(f"cannot be followed: {why}")
