"""Reads record batches as they stand in the log: unlike in the client, an odd record does not spoil the others.

The layout is Kafka's own, https://kafka.apache.org/documentation/#recordbatch (since Kafka 0.11 the only one).
"""

import struct
from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass
from typing import Final

from aiokafka.record.util import calc_crc32c

from worker.kafka.expansion import TooMuch, decompressed
from worker.model.records import Headers, Record

# Base offset, length, leader epoch, magic, CRC, attributes, last offset's delta, first and last timestamp, producer id,
# its epoch, base sequence, how many records.
HEADER: Final = struct.Struct(">qiibIhiqqqhii")
LENGTH_COUNTS_FROM: Final = 12
CRC_COUNTS_FROM: Final = 21
MAGIC: Final = 2
CODEC, APPEND_TIME, TRANSACTIONAL, CONTROL = 0x07, 0x08, 0x10, 0x20
NOT_UTF8: Final = "the name of a header is not UTF-8"
BROKEN: Final = "its key, value and headers do not fill the record as they say"
LONGEST_VARINT: Final = 70
A_STEP: Final = 5_000
"""How many records are looked through without a pause: it takes some 5 ms."""


class UnreadableBatch(Exception):
    """No record of the batch can be read; the text says why, and quotes none of them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch: the offsets from `base` to below `next_offset`; `body` follows the header, and may be compressed."""

    base: int
    next_offset: int
    attributes: int
    first_timestamp: int
    last_timestamp: int
    producer: int
    count: int
    body: bytes

    @property
    def timestamp(self) -> int:
        """The time of its first record, in milliseconds since the epoch."""
        return self.last_timestamp if self.attributes & APPEND_TIME else self.first_timestamp

    def is_passed_over(self, aborted: Collection[tuple[int, int]]) -> bool:
        """Whether it holds nothing for a reader: markers only, or records of an aborted transaction.

        `aborted` are transactions: each a producer's id and its first offset.
        """
        if self.attributes & CONTROL:
            return True
        taken_back = any(producer == self.producer and first <= self.base for producer, first in aborted)
        return bool(self.attributes & TRANSACTIONAL) and taken_back

    def records(self, topic: str, partition: int) -> Iterator[Record]:
        """All records of the batch, each made when it is asked for; odd ones with as much as can be read of them.

        UnreadableBatch is raised at once, before any record.
        """
        return self.records_from(self.base, topic, partition)

    def records_from(self, offset: int, topic: str, partition: int) -> Iterator[Record]:
        """The records from that offset on; otherwise as `records`."""
        steps = self.looked_through(offset, topic, partition)
        while True:
            try:
                next(steps)
            except StopIteration as ended:
                found: Iterator[Record] = ended.value
                return found

    def looked_through(self, offset: int, topic: str, partition: int) -> Generator[None, None, Iterator[Record]]:
        """Check the offsets of all records, then return the records from `offset` on, as `records_from` does.

        It yields in between, so that other tasks may run, as a batch may have millions of records.
        """
        body = self._decompressed()
        position, first, passed, last = 0, 0, 0, self.base - 1
        for number in range(1, self.count + 1):
            start, position = _span(body, position)
            at = self.base + _delta(body, start, position)
            if not last < at < self.next_offset:
                raise UnreadableBatch("its records do not stand in the order of their offsets")
            last = at
            if at < offset:
                first, passed = position, number
            if number % A_STEP == 0:
                yield
        return self._made(topic, partition, body, first, self.count - passed)

    def _decompressed(self) -> bytes:
        compression = self.attributes & CODEC
        try:
            return decompressed(compression, self.body) if compression else self.body
        except KeyError:
            raise UnreadableBatch(f"unknown compression {compression}") from None
        except TooMuch:
            raise UnreadableBatch("it is too large once decompressed (WORKER_KAFKA__MAX_BATCH_BYTES)") from None
        except Exception as error:  # noqa: BLE001  each library has errors of its own, and memory may not suffice
            raise UnreadableBatch(f"it cannot be decompressed ({type(error).__name__})") from None

    def _made(self, topic: str, partition: int, body: bytes, position: int, count: int) -> Iterator[Record]:
        for _ in range(count):
            start, position = _span(body, position)
            yield self._record(topic, partition, body[start:position])

    def _record(self, topic: str, partition: int, frame: bytes) -> Record:
        """A record. Its place is read first; where what follows is broken, key, value and headers are left out."""
        later, position = _varint(frame, 1)
        delta, position = _varint(frame, position)
        timestamp = self.last_timestamp if self.attributes & APPEND_TIME else self.first_timestamp + later
        place = topic, partition, self.base + delta, timestamp
        try:
            key, value, headers, why = _content(frame, position)
        except ValueError:
            return Record(*place, None, None, (), BROKEN)
        return Record(*place, key, value, headers, why)


def _span(body: bytes, position: int) -> tuple[int, int]:
    """The start and end, in `body`, of the record whose length field is at that position."""
    length, start = _length(body, position)
    if length is None:
        raise UnreadableBatch("its records are not as long as they say")
    return start, start + length


def _delta(body: bytes, start: int, end: int) -> int:
    """The record's offset relative to the base offset of the batch."""
    try:
        _, position = _varint(body, start + 1)
        delta, position = _varint(body, position)
    except ValueError:
        position = end + 1
    if position > end:
        raise UnreadableBatch("it holds a record without a place")
    return delta


def first_batch(raw: bytes) -> Batch:
    """The batch at the beginning of a fetch's answer, which must be whole. Raises UnreadableBatch."""
    if len(raw) < HEADER.size:
        raise UnreadableBatch("it is shorter than its header")
    base, length, _, magic, crc, attributes, last, begun, ended, producer, _, _, count = HEADER.unpack_from(raw)
    if magic != MAGIC:
        raise UnreadableBatch(f"it is of format {magic}, not {MAGIC}")
    whole = raw[: LENGTH_COUNTS_FROM + length]
    if len(whole) < LENGTH_COUNTS_FROM + length:
        raise UnreadableBatch("its end is missing")
    if calc_crc32c(whole[CRC_COUNTS_FROM:]) != crc:
        raise UnreadableBatch("it is corrupt (its checksum is another)")
    return Batch(base, base + last + 1, attributes, begun, ended, producer, count, whole[HEADER.size :])


def _content(frame: bytes, position: int) -> tuple[bytes | None, bytes | None, Headers, str | None]:
    """Key, value, headers, and why the headers cannot be read; a name that is not UTF-8 is shown with escapes."""
    key, position = _bytes(frame, position)
    value, position = _bytes(frame, position)
    count, position = _varint(frame, position)
    headers, why = [], None
    for _ in range(count):
        name, position = _bytes(frame, position)
        content, position = _bytes(frame, position)
        if name is None:
            raise ValueError
        text = name.decode("utf-8", "backslashreplace")
        why = why if text.encode() == name else NOT_UTF8
        headers.append((text, content))
    if count < 0 or position != len(frame):
        raise ValueError
    return key, value, tuple(headers), why


def _bytes(frame: bytes, position: int) -> tuple[bytes | None, int]:
    """The bytes behind the length at that position, and where they end; -1 as length is None. Raises ValueError."""
    number, after = _varint(frame, position)
    if number == -1:
        return None, after
    length, start = _length(frame, position)
    if length is None:
        raise ValueError
    return frame[start : start + length], start + length


def _length(data: bytes, position: int) -> tuple[int | None, int]:
    """The length that stands there, and where it ends; None where there is no number, or less than that is left."""
    try:
        length, position = _varint(data, position)
    except ValueError:
        return None, position
    return (length if 0 <= length <= len(data) - position else None), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number in Kafka's zigzag form, and where it ends. Raises ValueError."""
    number, shift = 0, 0
    while shift < LONGEST_VARINT and position < len(data):
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), position
        shift += 7
    raise ValueError
