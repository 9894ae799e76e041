"""The group's partitions while they are ours: opened once their journal is restored, claimed anew, given up."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from worker.creation.holds import HoldReason, Holds
from worker.intake import beginnings
from worker.intake.beginnings import Beginnings
from worker.intake.commits import Commits, Group
from worker.intake.dispatch import Dispatch
from worker.intake.restoring import Restoring
from worker.intake.retrying import Done, until_done
from worker.intake.timings import Timings
from worker.journal.terms import Restored
from worker.model.errors import CommitRefused
from worker.model.progress import Progress
from worker.partition.assignment import Assignment

log = structlog.get_logger()


class Positions(Group, beginnings.Source, Protocol):
    """The request topic as a member of the group reads it."""

    @property
    def astray(self) -> Mapping[int, int]:
        """The partitions that cannot be read on, and the offset that the log of each does not hold.

        Each waits for a `seek`.
        """

    async def committed(self, partition: int, within: float) -> int | None: ...
    def seek(self, partition: int, offset: int) -> None:
        """Read the partition on from that offset."""


@dataclass(eq=False, slots=True)
class Ownership:
    """Opens the group's partitions, claims them anew and gives them up, each in a task of its own.

    What keeps a partition from being read is a hold of that partition alone. Of each partition one thing is under way
    at a time: it is opened (`_restoring`), its lost place is looked for (`_finding`), or it is given up (`_leaving`).
    A later step ends an earlier one.
    """

    dispatch: Dispatch
    journals: Restoring
    holds: Holds
    commits: Commits
    beginnings: Beginnings
    drain_timeout: float
    timings: Timings = field(default_factory=Timings)
    _restoring: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _finding: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _leaving: set[int] = field(default_factory=set)
    _kept: dict[int, Restored] = field(default_factory=dict)
    _source: Positions | None = None
    _reading: asyncio.Event = field(default_factory=asyncio.Event)

    def reads(self, source: Positions) -> None:
        """Say that `source` reads the topic from now on; no partition is opened before."""
        self._source = source
        self._reading.set()

    @property
    def restoring(self) -> Collection[int]:
        """Partitions that are ours and not read from yet."""
        return self._restoring.keys()

    def assigned(self, partitions: Collection[int]) -> None:
        """Open each of these partitions in a task of its own; it is read from once its journal is restored."""
        log.info("partitions.assigned", partitions=sorted(partitions))
        if HoldReason.STOPPING in self.holds.reasons():
            return
        self._kept = {number: kept for number, kept in self._kept.items() if number in partitions}
        for number in partitions:
            self._restores(number, self._open(number), f"restore {number}")

    def _restores(self, number: int, steps: Coroutine[None, None, None], name: str) -> None:
        self.give_up_restoring([number])
        self._restoring[number] = asyncio.create_task(steps, name=name)
        self.journals.begin(number)

    async def _open(self, number: int, resume_at: Progress | None = None) -> None:
        """Restore the partition's journal and read from `resume_at` on, or from where the group goes on.

        A poll that was under way during the rebalance may have returned records that nobody admitted: they are read
        again.
        """
        try:
            source = await self._read_by()
            if resume_at is not None:
                await self._with_kafka(number, lambda: self.commits.confirm(source, {number: resume_at}))
            assignment = await self._restored(source, number)
            self.journals.over(number)
            await self._with_kafka(number, lambda: self._begun(source, assignment, resume_at))
        except CommitRefused as error:
            log.warning("partition.lost", partition=number, detail=str(error))
        finally:
            self._over(number)

    async def _begun(self, source: Positions, assignment: Assignment, resume_at: Progress | None) -> None:
        """Find the partition's place and open it there, unless it was taken from us meanwhile.

        The look whether it was is needed: some library on the way may have swallowed the cancellation of this task.
        Nobody polls between the seek and the opening, as nothing is awaited there.
        """
        at = await self.beginnings.begin(source, assignment, resume_at)
        if self._restoring.get(assignment.partition) is asyncio.current_task():
            source.seek(assignment.partition, at.offset)
            assignment.offsets.begins(at)
            self.dispatch.open(assignment)

    async def _read_by(self) -> Positions:
        """The source of records, once there is one."""
        await self._reading.wait()
        if self._source is None:
            raise AssertionError("read by nobody")
        return self._source

    async def _restored(self, source: Positions, number: int) -> Assignment:
        """Claim the partition and read its journal.

        The group's committed offset is asked for before the claim: what is older need not be remembered.
        """
        committed = await self._with_kafka(number, lambda: source.committed(number, self.timings.kafka_within))
        assignment = await self.journals.read(number, self._kept.get(number), committed)
        self._kept.pop(number, None)
        return assignment

    def claim_fenced(self) -> None:
        """Claim each fenced partition anew, whatever made the gap.

        One that the group has given away is its new owner's.
        """
        for assignment in self.dispatch.fenced():
            number = assignment.partition
            if self._is_settled(number):
                log.warning("journal.fenced", partition=number)
                self._restores(number, self._claim_anew(assignment), f"claim {number} anew")

    def find_places(self) -> None:
        """For each partition whose log does not hold the offset that was to be read next, begin to find a place."""
        for assignment in self.dispatch.assignments():
            number, source = assignment.partition, self._source
            at = source.astray.get(number) if source else None
            if source and at is not None and number not in self._finding and self._is_settled(number):
                log.warning("partition.misplaced", partition=number, offset=at)
                task = asyncio.create_task(self._find(source, assignment, at), name=f"place in {number}")
                self._finding[number] = task

    def _is_settled(self, number: int) -> bool:
        """Whether the partition is neither being opened nor given up."""
        return number not in self._restoring and number not in self._leaving

    async def _find(self, source: Positions, assignment: Assignment, at: int) -> None:
        """Find where to read on. Nothing is committed meanwhile: the log may not be the one that was read."""
        number = assignment.partition
        assignment.offsets.suspended = True
        lost = False
        try:
            place = await self._with_kafka(number, lambda: self.beginnings.go_on(source, assignment, at))
            lost = place is None
            if place is not None and self._finding.get(number) is asyncio.current_task():
                source.seek(number, place)
                assignment.offsets.suspended = False
        except CommitRefused as error:
            log.warning("partition.lost", partition=number, detail=str(error))
        finally:
            if self._finding.get(number) is asyncio.current_task():
                del self._finding[number]
        if lost and self._is_settled(number):
            self._restores(number, self._claim_anew(assignment), f"claim {number} anew")

    async def _claim_anew(self, assignment: Assignment) -> None:
        """Drain the partition and open it under a new claim.

        A commit that the group accepts says that it is still ours.

        Where its log has lost our place, there is nothing to commit: it is opened like one that was just assigned.
        """
        number = assignment.partition
        await self.dispatch.drain([number], self.drain_timeout)
        # What was finished while it drained may be committed already, and no commit goes backwards.
        resume_at = None if assignment.offsets.suspended else assignment.offsets.resume_at()
        self._kept[number] = assignment.restored
        self.dispatch.close([number])
        await self._open(number, resume_at)

    async def _with_kafka(self, number: int, step: Callable[[], Awaitable[Done]]) -> Done:
        """The step's result, tried under a hold of the partition however long Kafka is away.

        A revocation cancels it.
        """

        def failed(_: Exception, why: str) -> None:
            self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, why, partition=number)

        try:
            return await until_done(step, failed, self.timings.kafka_again_after)
        finally:
            self.holds.end(HoldReason.KAFKA_UNAVAILABLE, partition=number)

    def _over(self, number: int) -> None:
        if self._restoring.get(number) is asyncio.current_task():
            del self._restoring[number]
            self.journals.over(number)

    def give_up_restoring(self, partitions: Collection[int] | None = None) -> None:
        """Cancel the opening of these partitions, or of all, and the search for their places."""
        for number in [*self._restoring, *self._finding] if partitions is None else partitions:
            if task := self._restoring.pop(number, None):
                task.cancel()
                self.journals.over(number)
            if task := self._finding.pop(number, None):
                task.cancel()

    async def revoked(self, partitions: Collection[int]) -> None:
        """Give these partitions up: what is in flight ends, what is finished is committed, then they are closed."""
        if not partitions:
            return
        log.info("partitions.revoked", partitions=sorted(partitions))
        self._leaving.update(partitions)
        try:
            await self._given_up(partitions)
        finally:
            self._leaving.difference_update(partitions)

    async def _given_up(self, partitions: Collection[int]) -> None:
        self.give_up_restoring(partitions)
        drained = await self.dispatch.drain(partitions, self.drain_timeout)
        await self.commits.store(self._source)
        for each in self.dispatch.assignments():
            if each.partition in partitions:
                # What is still in flight may write after our next claim. In which order, the topic alone knows: it is
                # read again.
                each.restored.fence.broken = each.restored.fence.broken or not drained
                self._kept[each.partition] = each.restored
        self.dispatch.close(partitions)
        for number in partitions:
            self.holds.end_of(number)
