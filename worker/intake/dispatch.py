"""Works on many records at once, one at a time per key, fairly between partitions and keys; drains partitions."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Protocol

import structlog

from worker.intake.lanes import Lane
from worker.intake.opened import Opened, Work
from worker.intake.round_robin import RoundRobin
from worker.intake.running import Running
from worker.logs import where
from worker.measures import Measures
from worker.model.errors import Draining, Fenced
from worker.model.outcomes import End
from worker.model.progress import Progress
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.partition.slots import Slots

log = structlog.get_logger()
AFTER_A_CRASH = 5.0
MAX_QUEUED = 64 * 1024 * 1024
"""Bytes of all records that wait, shared equally by the open partitions: reading ahead must not fill the memory."""
MAX_READY = 4_000
"""Keys with a record that could begin, shared equally by the open partitions: two seconds of a full core's work.

Records that wait for another one of their key do not count, so that a hot key does not keep others from being read.
"""
LEAST_READY = 20


class Process(Protocol):
    """Return once the outcome is published; raise Draining or Fenced where the record stays uncommitted.

    `outcome_known` is called once nothing more will be sent for the record: the next record of its key may begin.
    """

    async def __call__(self, record: Record, assignment: Assignment, outcome_known: Callable[[], None]) -> End: ...


class Shares(Protocol):
    """Told which partitions are open."""

    def gain(self, partition: int) -> None: ...
    def lose(self, partition: int) -> None: ...


class Dispatch:
    """Knows which partitions are open and what is under way in them.

    A free slot goes to the next partition in the round robin, and there to the lane that has waited longest: neither a
    hot key nor a partition with a deep backlog keeps the others waiting for more than a few records each.
    """

    def __init__(  # noqa: PLR0913  what may be left out has a name
        self,
        process: Process,
        slots: Slots,
        *,
        max_uncommitted: int,
        max_queued: int = MAX_QUEUED,
        max_ready: int = MAX_READY,
        measures: Measures | None = None,
        shares: Shares | None = None,
    ) -> None:
        self._process = process
        self._slots = slots
        self._measures = measures or Measures()
        self._shares = shares
        self._max_uncommitted = max_uncommitted
        self._max_queued = max_queued
        self._max_ready = max(max_ready, 2 * slots.limit)
        self._open: dict[int, Opened] = {}
        self._order = RoundRobin(slots.limit)
        self.finished = 0
        slots.when_free(self._fill)

    def open(self, assignment: Assignment) -> None:
        """Records of this partition may be admitted from now on."""
        self._open[assignment.partition] = Opened(assignment)
        self._order.add(assignment.partition)
        if self._shares:
            self._shares.gain(assignment.partition)

    @property
    def partitions(self) -> int:
        """How many partitions are open."""
        return len(self._open)

    def ready(self) -> list[int]:
        """Partitions that may be read from: open, not draining, not too far ahead of their commits or of the work."""
        return [number for number, partition in self._open.items() if self._has_room(partition)]

    def _has_room(self, partition: Opened) -> bool:
        """Whether more of it may be read.

        Limits are per partition: one with a hot key takes nothing from the others.
        """
        if partition.assignment.ending or partition.lanes.queued_bytes * len(self._open) >= self._max_queued:
            return False
        if len(partition.lanes.waiting) >= max(LEAST_READY, self._max_ready // len(self._open)):
            return False
        return not partition.is_at_limit(self._max_uncommitted)

    def admit(self, record: Record) -> None:
        """Queue the record behind those of its key; ignored if its partition was given up: the next owner reads it."""
        partition = self._open.get(record.partition)
        if partition is None or partition.assignment.ending:
            return
        partition.assignment.offsets.start(record.offset)
        if partition.lanes.add(record):
            self._fill()

    def passed(self, number: int, offset: int) -> None:
        """Note that all records of the partition before that offset were admitted; ignored if it was given up."""
        partition = self._open.get(number)
        if partition is not None and not partition.assignment.ending:
            partition.assignment.offsets.passed(offset)

    def _go_on(self, partition: Opened, lane: Lane) -> None:
        if partition.lanes.go_on(lane):
            self._fill()

    def _fill(self) -> None:
        """Begin as much as there are slots for."""
        while self._slots.take():
            number = self._order.next(self._can_begin)
            if number is None:
                self._slots.unused()
                return
            self._begin(self._open[number])

    def _can_begin(self, number: int) -> bool:
        partition = self._open[number]
        return bool(partition.lanes.waiting) and not partition.assignment.ending

    def _begin(self, partition: Opened) -> None:
        lane, record = partition.lanes.begin()
        running = Running(record, partition.assignment, partial(self._go_on, partition, lane))
        task = asyncio.create_task(self._run(running), name=f"{record.topic}/{record.partition}@{record.offset}")
        partition.tasks.add(task)
        task.add_done_callback(partition.tasks.discard)

    async def _run(self, running: Running) -> None:
        try:
            with suppress(Draining, Fenced):
                await self._finish(running)
        finally:
            running.end()

    async def _finish(self, running: Running) -> None:
        """Process the record until it has an outcome: after an unexpected error again, after a wait without a slot.

        Draining and Fenced alone end it without an outcome.
        """
        record, assignment = running.record, running.assignment
        while True:
            try:
                await self._process(record, assignment, running.outcome_known)
            except (Draining, Fenced):
                raise
            except Exception as error:  # noqa: BLE001  an error of ours must neither lose the record nor go unseen
                self._measures.crashed()
                log.error("record.crashed", **_place(record), error=type(error).__name__, where=where(error))
                await running.rest(AFTER_A_CRASH)
            else:
                assignment.offsets.finish(record.offset)
                self.finished += 1
                return

    def to_store(self) -> dict[int, Progress]:
        """The progress of each partition in which something has ended since its progress was last stored."""
        found = {number: partition.assignment.offsets.to_store() for number, partition in self._open.items()}
        return {number: progress for number, progress in found.items() if progress is not None}

    def stored(self, progress: Mapping[int, Progress]) -> None:
        """Note that the group has stored this."""
        for number, stored in progress.items():
            if number in self._open:
                self._open[number].assignment.stored(stored)

    async def drain(self, partitions: Collection[int], within: float) -> bool:
        """Start nothing more and wait for what is in flight, at most that many seconds; True when nothing is left.

        What is left is logged: its open intents may become doubts.
        """
        drained = [self._open[number] for number in partitions if number in self._open]
        for partition in drained:
            partition.assignment.draining.set()
        tasks = [task for partition in drained for task in partition.tasks]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        if left := sum(not task.done() for task in tasks):
            log.warning("drain.cut_short", partitions=sorted(partitions), in_flight=left)
        return not left

    def close(self, partitions: Collection[int]) -> None:
        """Close these partitions; a task that outlived its drain can send, publish and commit nothing any more."""
        for number in partitions:
            if partition := self._open.pop(number, None):
                self._order.remove(number)
                partition.assignment.give_up()
                if self._shares:
                    self._shares.lose(number)

    def fenced(self) -> list[Assignment]:
        """The assignments in whose journal somebody else has written since our claim."""
        return [assignment for assignment in self.assignments() if assignment.fenced]

    def work(self) -> list[Work]:
        """What is under way in each open partition, counted at each call: the time grows with the keys that wait."""
        return [partition.work(self._max_uncommitted) for partition in self._open.values()]

    def is_full(self) -> bool:
        """No slot is free for new work."""
        return not self._slots.free

    def in_flight(self) -> int:
        """Records begun and not finished, those that wait for their retry included."""
        return sum(len(partition.tasks) for partition in self._open.values())

    def assignments(self) -> Iterator[Assignment]:
        """The assignments of all open partitions."""
        return (partition.assignment for partition in self._open.values())


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
