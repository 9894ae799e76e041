"""From the group's partitions to the dispatch, and from finished records to commits."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from worker.creation.holds import HoldReason, Holds
from worker.intake.beginnings import Beginnings, Start
from worker.intake.commits import Commits
from worker.intake.dispatch import Dispatch
from worker.intake.ownership import Ownership, Positions
from worker.intake.restoring import Restore, Restoring
from worker.intake.timings import Timings
from worker.measures import Measures
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record
from worker.stopping import Stopping

log = structlog.get_logger()
BATCH = 500
PROBES_EACH = 2


class Source(Positions, Protocol):
    """The request topic, as one member of the group; `unreadable` says by partition why nothing of it can be read."""

    def passed(self, partitions: Collection[int]) -> Mapping[int, int]:
        """By partition, the offset below which all records were handed out. To be called right after a poll."""

    @property
    def unreadable(self) -> Mapping[int, str]: ...
    async def poll(self, partitions: Collection[int], *, within: float, at_most: int) -> list[Record]: ...


@dataclass(eq=False, slots=True)
class Intake:
    """Drains before it gives a partition up, and never commits what another member may own.

    `polled` is when records were last asked for (monotonic seconds); None before the first poll and while stopping.
    """

    dispatch: Dispatch
    restore: Restore
    holds: Holds
    drain_timeout: float
    measures: Measures = field(default_factory=Measures)
    start: Start = "earliest"
    timings: Timings = field(default_factory=Timings)
    polled: float | None = None
    _source: Source | None = None
    _unreadable: set[int] = field(default_factory=set)
    _next_probe: int = PROBES_EACH
    _renew_at: float = 0.0
    _commits: Commits = field(init=False)
    _ownership: Ownership = field(init=False)

    def __post_init__(self) -> None:
        self._commits = Commits(self.dispatch, self.holds, self.measures, self.timings)
        beginnings = Beginnings(self.holds, self.measures, self.start, self.timings)
        journals = Restoring(self.restore, self.holds, self.measures, self.timings)
        self._ownership = Ownership(
            self.dispatch, journals, self.holds, self._commits, beginnings, self.drain_timeout, self.timings
        )

    def assigned(self, partitions: Collection[int]) -> None:
        """Open these partitions, which the group gave us, once their journal is restored."""
        self._ownership.assigned(partitions)

    async def revoked(self, partitions: Collection[int]) -> None:
        """Drain these partitions, which the group takes away; they are given up when this returns."""
        await self._ownership.revoked(partitions)

    @property
    def restoring(self) -> Collection[int]:
        """The partitions that are ours and not read from yet."""
        return self._ownership.restoring

    async def run(self, source: Source, stopping: Stopping) -> bool:
        """Take records in until told to stop, then drain; True when nothing was left in flight."""
        self._source, self._commits.stopping = source, stopping
        self._ownership.reads(source)
        while not stopping.is_set():
            self.polled = self.timings.clock()
            await self._take(source)
            self._ownership.claim_fenced()
            self._ownership.find_places()
            self._renew()
            if self._commits.is_due():
                await self._commits.store(source)
        return await self._stop()

    async def _take(self, source: Source) -> None:
        """Poll once. During a hold this keeps us in the group, and takes a record only if one is needed as a probe.

        A hold of one partition alone changes nothing for the others.
        """
        held = bool(self.holds.reasons())
        ready = self.dispatch.ready() if not held or self._needs_probe() else []
        try:
            records = await source.poll(ready, within=self._patience(ready, held=held), at_most=1 if held else BATCH)
        except KafkaUnavailable as error:
            self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, str(error), "poll")
            await asyncio.sleep(self.timings.poll)
            return
        self.holds.end(HoldReason.KAFKA_UNAVAILABLE, "poll")
        self._tell_unreadable(source.unreadable)
        for record in records:
            self.dispatch.admit(record)
        for number, offset in source.passed(ready).items():
            self.dispatch.passed(number, offset)
        if records or not held:
            self._next_probe = self.holds.probes + PROBES_EACH

    def _tell_unreadable(self, now: Mapping[int, str]) -> None:
        for number in self._unreadable - now.keys():
            self.holds.end(HoldReason.PARTITION_UNREADABLE, partition=number)
        for number, why in now.items():
            self.holds.begin(HoldReason.PARTITION_UNREADABLE, why, partition=number)
        self._unreadable = set(now)

    def _patience(self, ready: Collection[int], *, held: bool) -> float:
        return self.timings.poll if held or len(ready) == self.dispatch.partitions else self.timings.short_poll

    def _needs_probe(self) -> bool:
        """Whether to take one more record during a hold: those in flight may each fail for a reason of their own."""
        return not self.dispatch.in_flight() or self.holds.probes >= self._next_probe

    def _renew(self) -> None:
        """From time to time, have each assignment write to its journal whose the partition is."""
        if (now := self.timings.clock()) >= self._renew_at:
            self._renew_at = now + self.timings.renew_every
            for assignment in self.dispatch.assignments():
                assignment.renew()

    async def _stop(self) -> bool:
        self.polled = None
        until = self.timings.clock() + self.drain_timeout
        self.holds.begin(HoldReason.STOPPING, "told to stop")
        self._ownership.give_up_restoring()
        drained = await self._drain_and_commit([each.partition for each in self.dispatch.assignments()])
        await self._commits.store_at_last(self._source, until)
        if drained:
            log.info("worker.drained", in_flight=self.dispatch.in_flight())
        return drained

    async def _drain_and_commit(self, numbers: Collection[int]) -> bool:
        draining = asyncio.create_task(self.dispatch.drain(numbers, self.drain_timeout))
        while not draining.done():
            await self._commits.store(self._source)
            await asyncio.wait({draining}, timeout=self.timings.commit_every)
        return draining.result()
