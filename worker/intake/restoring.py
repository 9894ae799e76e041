"""A partition's journal, read again until that works; what keeps it from being read is a hold of that partition."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from worker.creation.holds import HoldReason, Holds
from worker.intake.retrying import until_done
from worker.intake.timings import Timings
from worker.journal.terms import Restored
from worker.measures import Measures
from worker.model.errors import JournalShared
from worker.partition.assignment import Assignment

log = structlog.get_logger()
Restore = Callable[[int, Restored | None, int | None], Awaitable[Assignment]]
"""Of a partition, with what is kept of an earlier claim, and the offset that the group has committed."""


@dataclass(frozen=True, slots=True)
class Restoring:
    """`begin`, `read` and `over` belong together; `over` may come at any time, and more than once."""

    restore: Restore
    holds: Holds
    measures: Measures = field(default_factory=Measures)
    timings: Timings = field(default_factory=Timings)

    def begin(self, number: int) -> None:
        """The partition is ours, and nothing of it is taken in before its journal is read."""
        self.holds.begin(HoldReason.JOURNAL_RESTORING, "its journal is being read", partition=number)

    async def read(self, number: int, kept: Restored | None, committed: int | None) -> Assignment:
        """The claim, with all that the journal knows. Raises CommitRefused where it is not ours any more."""
        started = self.timings.clock()

        def failed(error: Exception, why: str) -> None:
            self._tell(number, error, why)

        assignment = await until_done(
            lambda: self.restore(number, kept, committed), failed, self.timings.restore_again_after
        )
        seconds = round(self.timings.clock() - started, 3)
        self.measures.restored(seconds)
        log.info("journal.restored", partition=number, entries=len(assignment.journal), seconds=seconds)
        return assignment

    def _tell(self, number: int, error: Exception, why: str) -> None:
        """Whose journal it is takes a person; everything else is tried until it works."""
        shared = isinstance(error, JournalShared)
        now, before = HoldReason.JOURNAL_RESTORING, HoldReason.JOURNAL_SHARED
        if shared:
            now, before = before, now
        else:
            log.error("journal.restore_failed", partition=number, detail=why)
        self.holds.end(before, partition=number)
        self.holds.begin(now, why, partition=number)

    def over(self, number: int) -> None:
        """It is read, or never will be."""
        self.holds.end(HoldReason.JOURNAL_RESTORING, partition=number)
        self.holds.end(HoldReason.JOURNAL_SHARED, partition=number)
