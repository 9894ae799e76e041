"""Many records at once, one at a time per key; bounded; drained before a partition is given up."""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from worker.assignment import Assignment
from worker.errors import Draining, Fenced
from worker.logs import where
from worker.outcomes import Outcome
from worker.records import Record

log = structlog.get_logger()
AFTER_A_CRASH = 5.0


class Process(Protocol):
    """Return once the outcome is published; raise Draining or Fenced where the record stays uncommitted."""

    async def __call__(self, record: Record, assignment: Assignment) -> Outcome: ...


Lane = bytes | int


@dataclass(eq=False, slots=True)
class _Open:
    """An assignment with its lanes: one per key, and one per record without a key."""

    assignment: Assignment
    lanes: dict[Lane, deque[Record]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Dispatch:
    """Knows which partitions are open and what is under way in them."""

    def __init__(self, process: Process, slots: asyncio.Semaphore, *, max_uncommitted: int) -> None:
        self._process = process
        self._slots = slots
        self._max_uncommitted = max_uncommitted
        self._open: dict[int, _Open] = {}

    def open(self, assignment: Assignment) -> None:
        """Records of this partition may be admitted from now on."""
        self._open[assignment.partition] = _Open(assignment)

    def ready(self) -> list[int]:
        """Partitions that may be read from: open, not draining, not too far ahead of their commits."""
        return [number for number, partition in self._open.items() if self._has_room(partition.assignment)]

    def _has_room(self, assignment: Assignment) -> bool:
        return len(assignment.offsets) < self._max_uncommitted and not assignment.ending

    def admit(self, record: Record) -> None:
        """Queue the record behind those of its key; one of a partition that was just given up is its next owner's."""
        partition = self._open.get(record.partition)
        if partition is None or partition.assignment.ending:
            return
        partition.assignment.offsets.start(record.offset)
        lane: Lane = record.offset if record.key is None else record.key
        if queue := partition.lanes.get(lane):
            queue.append(record)
            return
        partition.lanes[lane] = deque([record])
        task = asyncio.create_task(self._run(partition, lane), name=f"{record.topic}/{record.partition} lane")
        partition.tasks.add(task)
        task.add_done_callback(partition.tasks.discard)

    async def _run(self, partition: _Open, lane: Lane) -> None:
        """A record leaves its lane only when it is finished, so that an occupied lane always has its task."""
        queue = partition.lanes[lane]
        try:
            while queue and not partition.assignment.ending:
                await self._finish(queue[0], partition.assignment)
                queue.popleft()
        except (Draining, Fenced):
            pass
        finally:
            del partition.lanes[lane]

    async def _finish(self, record: Record, assignment: Assignment) -> None:
        """Nothing but a drain ends a record without an outcome: after a crash of ours it is taken up again."""
        while True:
            async with self._slots:
                try:
                    await self._process(record, assignment)
                except (Draining, Fenced):
                    raise
                except Exception as error:  # noqa: BLE001  an error of ours must neither lose the record nor go unseen
                    log.error("record.crashed", **_place(record), error=type(error).__name__, where=where(error))
                    await assignment.pause(AFTER_A_CRASH)
                else:
                    assignment.offsets.finish(record.offset)
                    return

    def committable(self) -> dict[int, int]:
        """The next offset to read, of each partition in which it has moved."""
        found = {number: partition.assignment.offsets.committable() for number, partition in self._open.items()}
        return {number: offset for number, offset in found.items() if offset is not None}

    def committed(self, offsets: dict[int, int]) -> None:
        """The group has stored these."""
        for number, offset in offsets.items():
            if number in self._open:
                self._open[number].assignment.committed(offset)

    async def drain(self, partitions: Collection[int], within: float) -> bool:
        """Start nothing more and wait for what is in flight, at most that many seconds; True when nothing is left."""
        drained = [self._open[number] for number in partitions if number in self._open]
        for partition in drained:
            partition.assignment.draining.set()
        tasks = [task for partition in drained for task in partition.tasks]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        return all(task.done() for task in tasks)

    def close(self, partitions: Collection[int]) -> None:
        """Forget them; a task that outlived its drain can send, publish and commit nothing any more."""
        for number in partitions:
            if partition := self._open.pop(number, None):
                partition.assignment.give_up()

    def fenced(self) -> list[Assignment]:
        """Those in whose journal somebody else has written since our claim."""
        return [assignment for assignment in self.assignments() if assignment.fenced]

    def in_flight(self) -> int:
        """Records started and not finished."""
        return sum(len(partition.lanes) for partition in self._open.values())

    def assignments(self) -> Iterator[Assignment]:
        """The open ones."""
        return (partition.assignment for partition in self._open.values())


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
