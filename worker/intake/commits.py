"""Commits of what is finished: one at a time; the offsets of a commit that failed are in the next one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from worker.creation.holds import HoldReason, Holds
from worker.intake.dispatch import Dispatch
from worker.intake.timings import Timings
from worker.measures import Measures
from worker.model.errors import CommitRefused, KafkaUnavailable
from worker.model.progress import Progress
from worker.stopping import Stopping

log = structlog.get_logger()


class Group(Protocol):
    """The consumer group, as one member of it."""

    async def commit(self, progress: Mapping[int, Progress], within: float) -> None: ...


@dataclass(eq=False, slots=True)
class Commits:
    """Commits the offsets of finished records, one commit at a time; each has what is left of a stop's time."""

    dispatch: Dispatch
    holds: Holds
    measures: Measures = field(default_factory=Measures)
    timings: Timings = field(default_factory=Timings)
    stopping: Stopping = field(default_factory=Stopping)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next: float = 0.0
    _finished_then: int = 0

    def is_due(self) -> bool:
        """Whether to commit now: often enough that a crash repeats little, seldom enough to cost nothing.

        False while a commit is under way: with Kafka away several partitions may be confirmed at that time, each for
        some seconds, and whoever polls must not wait behind them.
        """
        if self._one.locked():
            return False
        return (
            self.dispatch.finished - self._finished_then >= self.timings.commit_after
            or self.timings.clock() >= self._next
        )

    async def store(self, group: Group | None) -> bool:
        """Commit all that is finished; True when nothing is left to commit.

        What could not be committed is in the next commit, or is read again by the partition's next owner.
        """
        async with self._one:
            self._next = self.timings.clock() + self.timings.commit_every
            self._finished_then = self.dispatch.finished
            progress = self.dispatch.to_store()
            if progress and group and not await self._stored(group, progress):
                self._next = self.timings.clock() + self.timings.commit_again_after
                return False
            self.holds.end(HoldReason.KAFKA_UNAVAILABLE, "commit")
            return True

    async def _stored(self, group: Group, progress: Mapping[int, Progress]) -> bool:
        try:
            await group.commit(progress, self.stopping.left(self.timings.kafka_within))
        except CommitRefused as error:
            self.measures.commit_failed()
            log.warning("commit.refused", detail=str(error))
        except KafkaUnavailable as error:
            self.measures.commit_failed()
            self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, str(error), "commit")
        else:
            self.dispatch.stored(progress)
            return True
        return False

    async def store_at_last(self, group: Group | None, until: float) -> None:
        """The last commit of this member, tried until then (monotonic seconds): the coordinator may be changing."""
        while not await self.store(group):
            if self.timings.clock() >= until:
                return
            await asyncio.sleep(self.timings.commit_again_after)

    async def confirm(self, group: Group, progress: Mapping[int, Progress]) -> None:
        """Have the group confirm, by a commit, that these partitions are ours.

        Raises CommitRefused and KafkaUnavailable.
        """
        async with self._one:
            await group.commit(progress, self.timings.kafka_within)
