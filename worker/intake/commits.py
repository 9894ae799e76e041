"""Commits of what is finished: one at a time, and what fails is committed with the next."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from worker.creation.holds import HoldReason, Holds
from worker.intake.dispatch import Dispatch
from worker.intake.timings import Timings
from worker.measures import Measures
from worker.model.errors import CommitRefused, KafkaUnavailable

log = structlog.get_logger()


class Group(Protocol):
    """The consumer group, as one member of it."""

    async def commit(self, offsets: dict[int, int], within: float) -> None: ...


@dataclass(eq=False, slots=True)
class Commits:
    """Commits the offsets of finished records, one commit at a time."""

    dispatch: Dispatch
    holds: Holds
    measures: Measures = field(default_factory=Measures)
    timings: Timings = field(default_factory=Timings)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: float = 0.0
    _finished_then: int = 0

    def is_due(self) -> bool:
        """Often enough that a crash repeats little, seldom enough to cost nothing; never while one is under way.

        With Kafka away several partitions may have theirs confirmed, each for some seconds: whoever polls does not
        stand behind them.
        """
        if self._one.locked():
            return False
        return (
            self.dispatch.finished - self._finished_then >= self.timings.commit_after
            or self.timings.clock() >= self._next
        )

    async def store(self, group: Group | None) -> bool:
        """True when nothing is left to commit; what fails is tried with the next, or redelivered to the next owner."""
        async with self._one:
            self._next = self.timings.clock() + self.timings.commit_every
            self._finished_then = self.dispatch.finished
            offsets = self.dispatch.committable()
            if offsets and group and not await self._stored(group, offsets):
                return False
            self.holds.end(HoldReason.KAFKA_UNAVAILABLE, "commit")
            return True

    async def _stored(self, group: Group, offsets: dict[int, int]) -> bool:
        try:
            await group.commit(offsets, self.timings.kafka_within)
        except CommitRefused as error:
            self.measures.commit_failed()
            log.warning("commit.refused", detail=str(error))
        except KafkaUnavailable as error:
            self.measures.commit_failed()
            self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, str(error), "commit")
        else:
            self.dispatch.committed(offsets)
            return True
        return False

    async def store_at_last(self, group: Group | None, until: float) -> None:
        """The last of this member, tried again until then (monotonic seconds): a group may be between two brokers."""
        while not await self.store(group):
            if self.timings.clock() >= until:
                return
            await asyncio.sleep(self.timings.commit_every)

    async def confirm(self, group: Group, offsets: dict[int, int]) -> None:
        """The group's word that these partitions are ours. Raises CommitRefused and KafkaUnavailable."""
        async with self._one:
            await group.commit(offsets, self.timings.kafka_within)
