"""From the group's partitions to the dispatch, and from finished records to commits."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import structlog

from worker import beginnings
from worker.assignment import Assignment, Restored
from worker.beginnings import Beginnings, Start
from worker.commits import Commits, Group
from worker.dispatch import Dispatch
from worker.errors import CommitRefused, KafkaUnavailable, WorkerError
from worker.hold import HoldReason, Holds
from worker.measures import Measures
from worker.records import Record

log = structlog.get_logger()
POLL = 0.2
SHORT_POLL = 0.02
"""Where a partition is left unread for now: it has room again long before the others have anything to read."""
BATCH = 500
AGAIN_AFTER = 0.5
RESTORE_AGAIN_AFTER = 5.0
PROBES_EACH = 2


class Source(Group, beginnings.Source, Protocol):
    """The request topic, as one member of the group."""

    @property
    def astray(self) -> Mapping[int, int]:
        """By partition the offset that its log does not hold: it is not read before somebody says where to go on."""

    async def poll(self, partitions: Collection[int], *, within: float, at_most: int) -> list[Record]: ...
    def passed(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Right after a poll: by partition the offset up to which all records were handed out."""


Done = TypeVar("Done")
Restore = Callable[[int, Restored | None], Awaitable[Assignment]]


@dataclass(eq=False, slots=True)
class Intake:
    """Drains before it gives a partition up, and never commits what another member may own.

    `turned` is when records were asked for last (monotonic seconds), None while none are meant to be.
    """

    dispatch: Dispatch
    restore: Restore
    holds: Holds
    drain_timeout: float
    measures: Measures = field(default_factory=Measures)
    start: Start = "earliest"
    turned: float | None = None
    _finding: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _restoring: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _kept: dict[int, Restored] = field(default_factory=dict)
    _source: Source | None = None
    _reading: asyncio.Event = field(default_factory=asyncio.Event)
    _next_probe: int = PROBES_EACH
    _commits: Commits = field(init=False)
    _beginnings: Beginnings = field(init=False)

    def __post_init__(self) -> None:
        self._commits = Commits(self.dispatch, self.holds, self.measures)
        self._beginnings = Beginnings(self.holds, self.measures, self.start)

    async def run(self, source: Source, stopping: asyncio.Event) -> bool:
        """Take records in until told to stop, then drain; True when nothing was left in flight."""
        self._source = source
        self._reading.set()
        while not stopping.is_set():
            self.turned = time.monotonic()
            await self._take(source)
            self._claim_fenced(source)
            self._find_places(source)
            if self._commits.is_due():
                await self._commits.store(source)
        return await self._stop()

    async def _take(self, source: Source) -> None:
        """During a hold the group is kept; a record is taken where none is left to probe with, or those fail to."""
        held = bool(self.holds.reasons())
        ready = self.dispatch.ready() if not held or self._needs_probe() else []
        try:
            records = await source.poll(ready, within=self._patience(ready, held=held), at_most=1 if held else BATCH)
        except KafkaUnavailable as error:
            self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, str(error), "poll")
            await asyncio.sleep(POLL)
            return
        self.holds.end(HoldReason.KAFKA_UNAVAILABLE, "poll")
        for record in records:
            self.dispatch.admit(record)
        for number, offset in source.passed(ready).items():
            self.dispatch.passed(number, offset)
        if records or not held:
            self._next_probe = self.holds.probes + PROBES_EACH

    def _patience(self, ready: Collection[int], *, held: bool) -> float:
        return POLL if held or len(ready) == self.dispatch.partitions else SHORT_POLL

    def _needs_probe(self) -> bool:
        """Another one from time to time: those in flight may fail for themselves, each for ever."""
        return not self.dispatch.in_flight() or self.holds.probes >= self._next_probe

    def assigned(self, partitions: Collection[int]) -> None:
        """Each partition is read from once its journal is restored, in a task of its own."""
        log.info("partitions.assigned", partitions=sorted(partitions))
        if HoldReason.STOPPING in self.holds.reasons():
            return
        self._kept = {number: kept for number, kept in self._kept.items() if number in partitions}
        for number in partitions:
            self._restoring[number] = asyncio.create_task(self._open(number), name=f"restore {number}")
        self._tell_restoring()

    async def _open(self, number: int) -> None:
        """A poll that outlasted the rebalance may have read what nobody admitted: it is read again."""
        try:
            assignment = await self._restored(number)
            await self._reading.wait()
            if source := self._source:
                await self._at_last(number, lambda: self._beginnings.begin(source, assignment))
            self._open_at_last(assignment)
        except CommitRefused as error:
            log.warning("partition.lost", partition=number, detail=str(error))
        finally:
            self._over(number)

    def _open_at_last(self, assignment: Assignment) -> None:
        """Unless it was taken meanwhile: some library on the way may have kept the cancellation for itself."""
        if self._restoring.get(assignment.partition) is asyncio.current_task():
            self.dispatch.open(assignment)

    async def _restored(self, number: int) -> Assignment:
        started = time.monotonic()
        while True:
            try:
                assignment = await self.restore(number, self._kept.get(number))
            except WorkerError as error:
                log.error("journal.restore_failed", partition=number, detail=str(error))
                self.holds.begin(HoldReason.JOURNAL_RESTORING, str(error))
                await asyncio.sleep(RESTORE_AGAIN_AFTER)
            else:
                self._kept.pop(number, None)
                seconds = round(time.monotonic() - started, 3)
                self.measures.restored(seconds)
                log.info("journal.restored", partition=number, entries=len(assignment.journal), seconds=seconds)
                return assignment

    def _claim_fenced(self, source: Source) -> None:
        """Whatever made the gap: what the group still gives us is claimed anew, everything else is its new owner's."""
        for assignment in self.dispatch.fenced():
            number = assignment.partition
            if number not in self._restoring:
                log.warning("journal.fenced", partition=number)
                self._claims_anew(source, assignment)

    def _find_places(self, source: Source) -> None:
        """Where a log has lost what was to be read next."""
        for assignment in self.dispatch.assignments():
            number, at = assignment.partition, source.astray.get(assignment.partition)
            if at is not None and number not in self._finding and number not in self._restoring:
                log.warning("partition.misplaced", partition=number, offset=at)
                task = asyncio.create_task(self._find(source, assignment, at), name=f"place in {number}")
                self._finding[number] = task

    async def _find(self, source: Source, assignment: Assignment, at: int) -> None:
        """Nothing is committed meanwhile: it may be another log than the one that was read."""
        number = assignment.partition
        assignment.offsets.suspended = True
        try:
            found = await self._at_last(number, lambda: self._beginnings.go_on(source, assignment, at))
            assignment.offsets.suspended = not found
        except CommitRefused as error:
            found = True
            log.warning("partition.lost", partition=number, detail=str(error))
        finally:
            if self._finding.get(number) is asyncio.current_task():
                del self._finding[number]
        if not found and number not in self._restoring:
            self._claims_anew(source, assignment)

    def _claims_anew(self, source: Source, assignment: Assignment) -> None:
        number = assignment.partition
        task = asyncio.create_task(self._claim_anew(source, assignment), name=f"claim {number} anew")
        self._restoring[number] = task
        self._tell_restoring()

    async def _claim_anew(self, source: Source, assignment: Assignment) -> None:
        """A commit that the group accepts says that the partition is still ours.

        Where its log has lost its place, it is begun at what the group has stored, if that can be.
        """
        number = assignment.partition
        await self.dispatch.drain([number], self.drain_timeout)
        # What was finished while it drained may be committed already, and no commit goes backwards.
        resume_at = None if assignment.offsets.suspended else assignment.offsets.resume_at
        self._kept[number] = assignment.restored
        self.dispatch.close([number])
        try:
            if resume_at is not None:
                await self._at_last(number, lambda: self._commits.confirm(source, {number: resume_at}))
            restored = await self._restored(number)
            await self._at_last(number, lambda: self._beginnings.begin(source, restored, resume_at))
            self._open_at_last(restored)
        except CommitRefused as error:
            log.warning("partition.lost", partition=number, detail=str(error))
        finally:
            self._over(number)

    async def _at_last(self, number: int, step: Callable[[], Awaitable[Done]]) -> Done:
        """However long Kafka is away; only the partition's revocation ends it earlier."""
        holder = f"partition {number}"
        try:
            while True:
                try:
                    return await step()
                except KafkaUnavailable as error:
                    self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, str(error), holder)
                    await asyncio.sleep(AGAIN_AFTER)
        finally:
            self.holds.end(HoldReason.KAFKA_UNAVAILABLE, holder)

    def _over(self, number: int) -> None:
        if self._restoring.get(number) is asyncio.current_task():
            del self._restoring[number]
        self._tell_restoring()

    def _tell_restoring(self) -> None:
        if self._restoring:
            self.holds.begin(HoldReason.JOURNAL_RESTORING, f"partitions {sorted(self._restoring)}")
        else:
            self.holds.end(HoldReason.JOURNAL_RESTORING)

    def _give_up_restoring(self, partitions: Collection[int]) -> None:
        for number in partitions:
            for tasks in (self._restoring, self._finding):
                if task := tasks.pop(number, None):
                    task.cancel()
        self._tell_restoring()

    async def revoked(self, partitions: Collection[int]) -> None:
        """Drain first, fence second: in flight ends, what is finished is committed, then the partitions are gone."""
        if not partitions:
            return
        log.info("partitions.revoked", partitions=sorted(partitions))
        self._give_up_restoring(partitions)
        drained = await self.dispatch.drain(partitions, self.drain_timeout)
        if not drained:
            log.warning("drain.cut_short", partitions=sorted(partitions))
        await self._commits.store(self._source)
        for each in self.dispatch.assignments():
            if each.partition in partitions:
                # What is still in flight may write after the next claim: the topic alone knows in which order.
                each.restored.fence.broken = each.restored.fence.broken or not drained
                self._kept[each.partition] = each.restored
        self.dispatch.close(partitions)

    @property
    def restoring(self) -> Collection[int]:
        """Partitions that are ours and not read from yet."""
        return self._restoring.keys()

    async def _stop(self) -> bool:
        self.turned = None
        until = time.monotonic() + self.drain_timeout
        self.holds.begin(HoldReason.STOPPING, "told to stop")
        self._give_up_restoring([*self._restoring, *self._finding])
        drained = await self._drain_and_commit([each.partition for each in self.dispatch.assignments()])
        await self._commits.store_at_last(self._source, until)
        log.info("worker.drained" if drained else "drain.cut_short", in_flight=self.dispatch.in_flight())
        return drained

    async def _drain_and_commit(self, numbers: Collection[int]) -> bool:
        draining = asyncio.create_task(self.dispatch.drain(numbers, self.drain_timeout))
        while not draining.done():
            await self._commits.store(self._source)
            await asyncio.wait({draining}, timeout=AGAIN_AFTER)
        return draining.result()
