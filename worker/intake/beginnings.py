"""Decides where a partition is read from: when it is assigned to us, and when its log no longer holds our position.

The decision is made of the group's stored offset, the log's range and the journal; Kafka's client never makes it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, assert_never

import structlog

from worker.counting import counted
from worker.creation.holds import HoldReason, Holds
from worker.intake.timings import Timings
from worker.measures import Measures
from worker.model.progress import Progress, Spans
from worker.partition.assignment import Assignment

log = structlog.get_logger()

Start = Literal["earliest", "latest"] | int
"""The log's beginning, its end, or a time in milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Bearings:
    """What Kafka says of one partition: `stored` is the group's offset, `first` and `end` are the log's.

    `began_with` is how many partitions the topic had when the group began: None where the group has stored nothing at
    all, 0 where what it has stored does not say so. `published` are spans of offsets above `stored` whose records have
    ended.
    """

    topic: str
    partition: int
    stored: int | None
    first: int
    end: int
    began_with: int | None = None
    published: Spans = ()


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The offset to go on at is known, and the log holds it.

    `published` are spans above it whose records have ended.
    """

    at: int
    published: Spans = ()


@dataclass(frozen=True, slots=True)
class Begins:
    """Nobody has read the partition yet: reading begins `at` that place; `end` is the log's end for now."""

    at: Start
    end: int


@dataclass(frozen=True, slots=True)
class Expired:
    """Retention was faster: the offsets from `since` up to, without, `first` were deleted before they were read."""

    since: int
    first: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Only a person can say where to go on, and what that repeats or leaves out."""

    why: str


Place = GoesOn | Begins | Expired | Lost


def place(found: Bearings, events: int, start: Start) -> Place:
    """Decide where to read the partition.

    `events` is how many events the journal knows. A partition without a stored offset is new only where that is 0;
    otherwise its offset is lost. `start` counts for the partitions that were there when the group began; one that was
    added later is read from its beginning.
    """
    if found.stored is None and events:
        return Lost(_lost(found, f"no offset is stored, although the journal knows {counted(events, 'event')}"))
    if found.stored is None:
        was_there = found.began_with is None or found.partition < found.began_with
        return Begins(start if was_there else "earliest", found.end)
    if found.stored > found.end:
        return Lost(_lost(found, f"offset {found.stored} is stored"))
    if found.stored < found.first:
        return Expired(found.stored, found.first)
    return GoesOn(found.stored, found.published)


def _lost(found: Bearings, what: str) -> str:
    held = f"offsets {found.first} to {found.end - 1}" if found.first < found.end else f"nothing (next: {found.end})"
    command = f"customer-worker offsets set {found.partition} earliest|latest|OFFSET|TIME --yes"
    return f"{found.topic}/{found.partition}: {what}, and the log holds {held}; workers stopped: {command}"


class Source(Protocol):
    """The request topic, as one member of the group reads it.

    Each method raises KafkaUnavailable, and CommitRefused where the partition is no longer ours. `within` is seconds.
    """

    async def bearings(self, partition: int, within: float) -> Bearings: ...
    async def offset_of(self, partition: int, start: Start, within: float) -> int: ...
    async def commit(self, progress: Mapping[int, Progress], within: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Finds the place that each partition is read from, and holds a partition that has none."""

    holds: Holds
    measures: Measures
    start: Start = "earliest"
    timings: Timings = field(default_factory=Timings)

    async def begin(self, source: Source, assignment: Assignment, at: Progress | None = None) -> Progress:
        """The place that the partition is to be read from: `at` where it is given, else what the group has stored.

        A place that is new to the group is committed before it is returned, so that a crash before the first record
        does not leave the group without an offset. As long as only a person can say where to go on, the partition is
        held.
        """
        number = assignment.partition
        self.measures.expired_unread(number, 0)
        try:
            while isinstance(found := await self._place(source, assignment, at), Lost):
                self.holds.begin(HoldReason.OFFSETS_LOST, found.why, partition=number)
                await asyncio.sleep(self.timings.look_again_after)
        finally:
            self.holds.end(HoldReason.OFFSETS_LOST, partition=number)
        offset = await self._offset(source, assignment, found)
        if not isinstance(found, GoesOn):
            await source.commit({number: Progress(offset)}, self.timings.kafka_within)
        self._tell(number, found, offset)
        return Progress(offset, found.published if isinstance(found, GoesOn) else ())

    async def go_on(self, source: Source, assignment: Assignment, at: int) -> int | None:
        """The offset to read on from after the log has lost the offset `at`; None where only a person can say.

        Records in flight are not affected: they were read, and end. What retention deleted was not read.
        """
        found = await self._place(source, assignment, Progress(at))
        if isinstance(found, Lost):
            return None
        if isinstance(found, GoesOn):
            await asyncio.sleep(self.timings.agreed_after)
        offset = await self._offset(source, assignment, found)
        self._tell(assignment.partition, found, offset)
        return offset

    async def _place(self, source: Source, assignment: Assignment, at: Progress | None) -> Place:
        found = await source.bearings(assignment.partition, self.timings.kafka_within)
        if at is not None:
            found = replace(found, stored=at.offset, published=at.published)
        return place(found, len(assignment.journal), self.start)

    async def _offset(self, source: Source, assignment: Assignment, found: GoesOn | Begins | Expired) -> int:
        match found:
            case GoesOn(at):
                return at
            case Begins(at):
                return await source.offset_of(assignment.partition, at, self.timings.kafka_within)
            case Expired(since, first):
                await assignment.tell(((since, first),))
                return first
            case other:
                assert_never(other)

    def _tell(self, number: int, found: GoesOn | Begins | Expired, offset: int) -> None:
        """Log and count the place. Called last, after all that may have to be tried again, so that it is told once."""
        match found:
            case Begins(at, end):
                log.info("partition.started", partition=number, offset=offset, start=at, at_most=max(0, end - offset))
            case Expired(since, first):
                self.measures.expired_unread(number, first - since)
                log.error("records.expired", partition=number, first=since, end=first)
            case GoesOn():
                pass
            case other:
                assert_never(other)
