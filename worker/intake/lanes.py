"""The records of one partition that wait to be worked on: one at a time per key, keys beside each other."""

from collections import deque
from dataclasses import dataclass, field

from worker.model.records import Record

OVERHEAD = 600
"""Bytes of memory that a record takes beside its key and value (measured)."""

Lane = bytes | int
"""A record's key, or the offset of a record without one."""


@dataclass(eq=False, slots=True)
class Lanes:
    """`queues` hold the records that have not begun, by lane; `queued_bytes` is their size in all.

    `waiting` are the lanes that have a record to begin, and none at work.
    """

    queues: dict[Lane, deque[Record]] = field(default_factory=dict)
    waiting: deque[Lane] = field(default_factory=deque)
    queued_bytes: int = 0

    def add(self, record: Record) -> bool:
        """Queue the record behind those of its key; True where it is the first one and may begin."""
        self.queued_bytes += _size(record)
        lane: Lane = record.offset if record.key is None else record.key
        if (queue := self.queues.get(lane)) is not None:
            queue.append(record)
            return False
        self.queues[lane] = deque([record])
        self.waiting.append(lane)
        return True

    def begin(self) -> tuple[Lane, Record]:
        """Take the first record of the lane that has waited longest; the lane is at work until `go_on` is called."""
        lane = self.waiting.popleft()
        record = self.queues[lane].popleft()
        self.queued_bytes -= _size(record)
        return lane, record

    def go_on(self, lane: Lane) -> bool:
        """The lane's record at work is done: the lane waits again, behind the others; False where it has no more."""
        if not self.queues[lane]:
            del self.queues[lane]
            return False
        self.waiting.append(lane)
        return True

    def queued(self) -> int:
        """How many records have not begun."""
        return sum(map(len, self.queues.values()))

    def first(self) -> Record | None:
        """The record of the lowest offset that has not begun."""
        firsts = [queue[0] for queue in self.queues.values() if queue]
        return min(firsts, key=lambda record: record.offset, default=None)


def _size(record: Record) -> int:
    return len(record.value or b"") + len(record.key or b"") + OVERHEAD
