"""Record batches as they stand in a log: bytes whose offset and time the broker writes in."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from chaos import tolerant

HEADER = struct.Struct(">qiibIhiqqqhii")
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
ATTRIBUTES = 21
ABORT, COMMIT = 0, 1


@dataclass(frozen=True, slots=True)
class Batch:
    """`first` and `last` are offsets; `time` is milliseconds since the epoch."""

    first: int
    last: int
    time: int
    producer: int
    epoch: int
    sequence: int
    attributes: int
    raw: bytes
    _decoded: list[Any] = field(default_factory=list, compare=False)

    @property
    def records(self) -> Sequence[Any]:
        """Decoded once, by a reader whom no name of a header troubles."""
        if not self._decoded:
            try:
                memory = MemoryRecords(self.raw)
                while (batch := memory.next_batch()) is not None:
                    self._decoded.extend(batch)
            except UnicodeDecodeError:
                self._decoded[:] = tolerant.Batch(tolerant.Bytes(self.raw))
        return self._decoded

    @property
    def transactional(self) -> bool:
        """It counts once its transaction is committed."""
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def control(self) -> bool:
        """A marker at a transaction's end."""
        return bool(self.attributes & CONTROL)


def placed(raw: bytes, first: int, append_time: int | None) -> Batch:
    """The batch of a producer at its place in the log; `append_time` replaces the producer's own times."""
    _, length, _, magic, _, attributes, delta, created, newest, producer, epoch, sequence, count = HEADER.unpack_from(
        raw
    )
    time = newest
    body = raw[HEADER.size :]
    if append_time is not None:
        attributes, time = attributes | LOG_APPEND_TIME, append_time
    tail = struct.pack(">hiqqqhii", attributes, delta, created, time, producer, epoch, sequence, count) + body
    head = struct.pack(">qiibI", first, length, 0, magic, calc_crc32c(tail))
    return Batch(first, first + delta, time, producer, epoch, sequence, attributes, head + tail)


ODD_NAME = b"trace\xff\xfe-id"


def odd(records: Sequence[tuple[bytes | None, bytes | None]]) -> bytes:
    """A batch without a producer, of records (key, value) each of which has a header whose name is not UTF-8."""
    name = "x" * len(ODD_NAME)
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=0,
        batch_size=1 << 20,
    )  # fmt: skip
    for number, (key, value) in enumerate(records):
        builder.append(number, timestamp=0, key=key, value=value, headers=[(name, b"1")])
    return bytes(builder.build()).replace(name.encode(), ODD_NAME)


def marker(first: int, time: int, producer: int, epoch: int, *, committed: bool) -> Batch:
    """The control batch that ends a transaction."""
    key = struct.pack(">hh", 0, COMMIT if committed else ABORT)
    value = struct.pack(">hi", 0, 0)
    record = b"\x00\x00\x00" + _varint(len(key)) + key + _varint(len(value)) + value + b"\x00"
    body = _varint(len(record)) + record
    attributes = TRANSACTIONAL | CONTROL
    tail = struct.pack(">hiqqqhii", attributes, 0, time, time, producer, epoch, -1, 1) + body
    head = struct.pack(">qiibI", first, len(tail) + 9, 0, 2, calc_crc32c(tail))
    return Batch(first, first, time, producer, epoch, -1, attributes, head + tail)


def _varint(number: int) -> bytes:
    """Zig-zag, of a number that fits into a byte."""
    return bytes([number << 1])
