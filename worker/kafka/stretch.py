"""A stretch of a topic with all that stands in it: records, ends of transactions, records that were aborted."""

import asyncio
import struct
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.record.memory_records import MemoryRecords

from worker.kafka.batches import (
    CONTROL,
    HEADER,
    LENGTH_COUNTS_FROM,
    MAGIC,
    TRANSACTIONAL,
    UnreadableBatch,
    first_batch,
)
from worker.kafka.beside import fetched
from worker.kafka.extent import Extent
from worker.kafka.failures import named, unread
from worker.kafka.reader import new_start
from worker.kafka.stable import Written
from worker.model.errors import KafkaUnavailable, LogStartMoved
from worker.model.records import OpenTransaction, Record

AT_ONCE: Final = 2 * 1024 * 1024
AGAIN_AFTER: Final = 0.2
MAGIC_STANDS_AT: Final = 16
# A control record's key: its version, and which end of the transaction it is.
ENDS: Final[tuple[Literal["aborted", "committed"], ...]] = ("aborted", "committed")
END: Final = struct.Struct(">hh")


@dataclass(frozen=True, slots=True)
class Piece:
    """One batch of the log: the offsets from `first` up to `next_offset`.

    It holds `records`, or as many as `taken_back` of an aborted transaction, or the `end` of a transaction; or nobody
    can read it, for the reason in `unreadable`.
    """

    partition: int
    first: int
    next_offset: int
    records: list[Record] = field(default_factory=list)
    taken_back: int = 0
    end: Literal["aborted", "committed"] | None = None
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Reads the offsets of an extent up to the end of what is committed; each partition by itself."""

    extent: Extent

    async def read(self, partition: int) -> AsyncIterator[Piece]:
        """Yield the partition's batches in their order.

        Raises KafkaUnavailable where nothing comes, LogStartMoved where what was to be read was deleted.
        """
        (place,) = [each for each in self.extent.ends if each.partition == partition]
        position, end = self.extent.ends[place]
        while position < end:
            raw, aborted = await self._fetched(place, position)
            for piece in pieces(raw, aborted, place, (position, end)):
                yield piece
                position = piece.next_offset
            await asyncio.sleep(0)

    async def _fetched(self, place: TopicPartition, offset: int) -> tuple[bytes, list[tuple[int, int]]]:
        """Fetch from that offset on. A leader that moves, or does not know yet what is committed, is asked again."""
        try:
            async with asyncio.timeout(self.extent.within):
                while True:
                    try:
                        if (found := await fetched(self.extent.consumer, place, offset, AT_ONCE))[0]:
                            return found
                    except OffsetOutOfRangeError:
                        first = await new_start(self.extent.consumer, place, offset)
                        lost = f"{place.topic}/{place.partition}: offsets {offset} to {first - 1} were deleted"
                        raise LogStartMoved(f"{lost} while it was read") from None
                    except KafkaError as error:
                        if not error.retriable:
                            raise
                    await asyncio.sleep(AGAIN_AFTER)
        except (KafkaError, TimeoutError) as error:
            raise unread(place, error) from error


async def open_transactions(extent: Extent) -> dict[int, tuple[OpenTransaction, int]]:
    """The open transaction of each partition that has one, and how many offsets there are from it on.

    Raises KafkaUnavailable.
    """
    consumer, places = extent.consumer, list(extent.ends)
    written = Written(consumer)
    found = {}
    try:
        async with asyncio.timeout(extent.within):
            # In this order: what is written between the two questions is no open transaction.
            ends, stable = await written.ends(places), await consumer.end_offsets(places)
            for place in [each for each in places if stable[each] < ends[each]]:
                stamp = await written.timestamp(place, stable[place])
                since = stamp / 1000 if stamp and stamp > 0 else None
                found[place.partition] = OpenTransaction(stable[place], since), ends[place] - stable[place]
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"the ends of its log cannot be read: {named(error)}") from error
    return found


def pieces(
    raw: bytes, aborted: Collection[tuple[int, int]], place: TopicPartition, span: tuple[int, int]
) -> Iterator[Piece]:
    """What a fetch returned, as far as it lies in the span (first, end); `aborted` are producers and first offsets."""
    position, end = span
    ahead = sorted(aborted, key=lambda each: each[1], reverse=True)
    taking_back: set[int] = set()
    for batch in _batches(raw):
        if position >= end:
            return
        base = int.from_bytes(batch[:8], "big")
        while ahead and ahead[-1][1] <= base:
            taking_back.add(ahead.pop()[0])
        piece = _piece(batch, taking_back, place, (position, end))
        yield piece
        position = piece.next_offset


def _batches(raw: bytes) -> Iterator[bytes]:
    """Each whole batch of the bytes.

    One that is cut off at the end is left to the next fetch, unless it is the first.
    """
    position = 0
    while position < len(raw):
        end = position + LENGTH_COUNTS_FROM + int.from_bytes(raw[position + 8 : position + 12], "big")
        if end > len(raw) and position:
            return
        yield raw[position:end]
        position = end


def _piece(batch: bytes, taking_back: set[int], place: TopicPartition, span: tuple[int, int]) -> Piece:
    """One batch.

    `taking_back` are the producers of aborted transactions that are not over here; their end removes them.
    """
    if len(batch) < HEADER.size or batch[MAGIC_STANDS_AT] != MAGIC:
        return _records(batch, place, span, span[1])
    base, _, _, _, _, attributes, last, _, _, producer, _, _, count = HEADER.unpack_from(batch)
    following = max(base + last + 1, span[0])
    where = place.partition, span[0], following
    if attributes & CONTROL:
        taking_back.discard(producer)
        return Piece(*where, end=_end(batch))
    if attributes & TRANSACTIONAL and producer in taking_back:
        return Piece(*where, taken_back=count)
    return _records(batch, place, span, following)


def _end(batch: bytes) -> Literal["aborted", "committed"] | None:
    """Which end of a transaction the control batch is; None where it is something else."""
    control = MemoryRecords(batch).next_batch()
    key = next((record.key for record in control or ()), None)
    kind = END.unpack_from(key)[1] if key and len(key) >= END.size else -1
    return ENDS[kind] if 0 <= kind < len(ENDS) else None


def _records(batch: bytes, place: TopicPartition, span: tuple[int, int], following: int) -> Piece:
    """A batch of records: read by the client's fast reader, or by our own where that cannot."""
    number, (position, end) = place.partition, span
    try:
        records = _quickly(batch, place)
    except Exception:  # noqa: BLE001  whatever it is, it is this batch's
        try:
            records = list(first_batch(batch).records(place.topic, number))
        except (UnreadableBatch, MemoryError) as error:
            why = str(error) or "memory does not suffice for it"
            return Piece(number, position, max(following, position + 1), unreadable=why)
    if batch[MAGIC_STANDS_AT] != MAGIC:
        following = max((each.offset + 1 for each in records), default=end)
    return Piece(number, position, following, [each for each in records if position <= each.offset < end])


def _quickly(batch: bytes, place: TopicPartition) -> list[Record]:
    read = MemoryRecords(batch).next_batch()
    if read is None or not read.validate_crc():
        raise UnreadableBatch
    topic, partition = place
    return [
        Record(topic, partition, each.offset, each.timestamp or 0, each.key, each.value, tuple(each.headers))
        for each in read
    ]
