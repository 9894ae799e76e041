"""Reads a partition's journal, again until that works; what keeps it from being read is a hold of that partition."""

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
"""Claims a partition, given its number, what is kept of an earlier claim, and the offset that the group committed."""


@dataclass(frozen=True, slots=True)
class Restoring:
    """Reads journals, each under a hold of its partition.

    Call `begin`, then `read`, then `over`; `over` may be called at any time, and more than once.
    """

    restore: Restore
    holds: Holds
    measures: Measures = field(default_factory=Measures)
    timings: Timings = field(default_factory=Timings)

    def begin(self, number: int) -> None:
        """Begin the hold: the partition is ours, and none of its records is taken in before its journal is read."""
        self.holds.begin(HoldReason.JOURNAL_RESTORING, "its journal is being read", partition=number)

    async def read(self, number: int, kept: Restored | None, committed: int | None) -> Assignment:
        """The assignment under a new claim, with all that the journal knows; tried again until that works.

        Raises CommitRefused where the partition is not ours any more.
        """
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
        """Begin the hold that fits the error: a journal of somebody else's needs a person, other errors may pass."""
        shared = isinstance(error, JournalShared)
        now, before = HoldReason.JOURNAL_RESTORING, HoldReason.JOURNAL_SHARED
        if shared:
            now, before = before, now
        else:
            log.error("journal.restore_failed", partition=number, detail=why)
        self.holds.end(before, partition=number)
        self.holds.begin(now, why, partition=number)

    def over(self, number: int) -> None:
        """End the holds: the journal is read, or never will be."""
        self.holds.end(HoldReason.JOURNAL_RESTORING, partition=number)
        self.holds.end(HoldReason.JOURNAL_SHARED, partition=number)
