"""One partition: what was appended, what readers may see, whose transactions are open, what is deleted."""

from bisect import bisect_left
from dataclasses import dataclass, field

from aiokafka import errors

from .batches import Batch, marker, placed

KEPT = 5
"""So many last batches of a producer are known, as a broker does, to tell a repeat from a gap."""


class Refused(Exception):
    """`code` is Kafka's error code."""

    def __init__(self, error: type[errors.KafkaError]) -> None:
        super().__init__(error.__name__)
        self.code: int = error.errno  # type: ignore[attr-defined]  # of every error of the brokers


@dataclass(slots=True)
class _Producer:
    epoch: int
    last: list[tuple[int, int, int]] = field(default_factory=list)
    """(first sequence, last sequence, first offset) of its last batches."""


@dataclass(slots=True)
class Log:
    """Offsets below `replicated` are in all in-sync replicas; what is above may be lost with its leader."""

    append_time: bool = False
    batches: list[Batch] = field(default_factory=list)
    start: int = 0
    end: int = 0
    replicated: int = 0
    open: dict[int, int] = field(default_factory=dict)
    aborted: list[tuple[int, int, int]] = field(default_factory=list)
    """(producer, first offset, offset of the marker)."""
    gone: list[Batch] = field(default_factory=list)
    """What was deleted, which no reader gets any more."""
    _producers: dict[int, _Producer] = field(default_factory=dict)

    @property
    def stable(self) -> int:
        """Where the first open transaction begins: who reads committed records reads no further."""
        return min([self.replicated, *self.open.values()])

    def append(self, raw: bytes, now: int) -> Batch:
        """A repeat is told its first place; raises Refused."""
        batch = placed(raw, self.end, now if self.append_time else None)
        if batch.producer >= 0 and (earlier := self._repeated(batch)) is not None:
            return earlier
        self._put(batch)
        if batch.transactional:
            self.open.setdefault(batch.producer, batch.first)
        return batch

    def _repeated(self, batch: Batch) -> Batch | None:
        count = batch.last - batch.first
        known = self._producers.get(batch.producer)
        if known is not None and batch.epoch < known.epoch:
            raise Refused(errors.InvalidProducerEpoch)
        if known is None or batch.epoch > known.epoch:
            known = self._producers[batch.producer] = _Producer(batch.epoch)
        for first, last, offset in known.last:
            if (first, last) == (batch.sequence, batch.sequence + count):
                return Batch(offset, offset + count, batch.time, batch.producer, batch.epoch, first, 0, b"")
        if known.last and batch.sequence != known.last[-1][1] + 1:
            raise Refused(errors.OutOfOrderSequenceNumber)
        known.last = [*known.last[1 - KEPT :], (batch.sequence, batch.sequence + count, batch.first)]
        return None

    def _put(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.end = batch.last + 1

    def mark(self, producer: int, epoch: int, now: int, *, committed: bool) -> None:
        """End the producer's transaction here."""
        first = self.open.pop(producer, None)
        batch = marker(self.end, now, producer, epoch, committed=committed)
        self._put(batch)
        self.replicated = self.end
        if not committed and first is not None:
            self.aborted.append((producer, first, batch.first))

    def lose_tail(self) -> int:
        """The leader is gone with what only it had; how many records."""
        lost = self.end - self.replicated
        if lost:
            self.batches = [each for each in self.batches if each.last < self.replicated]
            self.end = self.replicated
            for producer, known in list(self._producers.items()):
                known.last = [each for each in known.last if each[2] < self.end]
                if not known.last:
                    del self._producers[producer]
            self.open = {producer: first for producer, first in self.open.items() if first < self.end}
        return lost

    def delete_before(self, offset: int) -> None:
        """As retention and `delete_records` do."""
        self.start = max(self.start, min(offset, self.replicated))
        self.gone += [each for each in self.batches if each.last < self.start]
        self.batches = [each for each in self.batches if each.last >= self.start]

    def compact(self, superseded: set[int]) -> None:
        """Batches all of whose records have newer ones under their keys are gone; never the last one."""
        kept = [each for each in self.batches[:-1] if not superseded.issuperset(range(each.first, each.last + 1))]
        self.batches = [*kept, *self.batches[-1:]]

    def expire(self, before: int) -> None:
        """Retention: whole batches that are older (milliseconds), never the last one."""
        gone = [each for each in self.batches[:-1] if each.time < before and each.last < self.replicated]
        if gone:
            self.delete_before(gone[-1].last + 1)

    def read(self, offset: int, most: int, *, committed: bool) -> bytes:
        """Whole batches, the first whatever its size; raises Refused beyond the log."""
        if not self.start <= offset <= self.replicated:
            raise Refused(errors.OffsetOutOfRangeError)
        limit = self.stable if committed else self.replicated
        found: list[bytes] = []
        size = 0
        for index in range(bisect_left(self.batches, offset, key=lambda each: each.last), len(self.batches)):
            batch = self.batches[index]
            if batch.last >= limit or (found and size + len(batch.raw) > most):
                break
            found.append(batch.raw)
            size += len(batch.raw)
        return b"".join(found)

    def aborted_from(self, offset: int) -> list[tuple[int, int]]:
        """What a reader from there has to pass over: (producer, first offset)."""
        return sorted(
            ((producer, first) for producer, first, end in self.aborted if end >= offset), key=lambda each: each[1]
        )

    def at_time(self, time: int) -> tuple[int, int]:
        """The first record that is not older: (its time, its offset); (-1, -1) where there is none."""
        for batch in self.batches:
            if batch.time >= time and batch.last < self.replicated and not batch.control:
                for record in batch.records:
                    if record.timestamp >= time and record.offset >= self.start:
                        return record.timestamp, record.offset
        return -1, -1
