"""A partition while it is open: the records that wait in it, and those that are worked on."""

import asyncio
from dataclasses import dataclass, field

from worker.intake.lanes import Lanes
from worker.model.records import Record
from worker.partition.assignment import Assignment


@dataclass(frozen=True, slots=True)
class Work:
    """One open partition as it is now.

    `at_work` and `queued` count records, `next` is the first of those that have not begun. `at_limit`: it is not read
    from, because too many of its records are not committable yet.
    """

    assignment: Assignment
    at_work: int
    queued: int
    at_limit: bool
    next: Record | None


@dataclass(eq=False, slots=True)
class Opened:
    """An assignment, the records that wait in it, and the tasks of those at work."""

    assignment: Assignment
    lanes: Lanes = field(default_factory=Lanes)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def is_at_limit(self, max_uncommitted: int) -> bool:
        """Whether so many of its records are not committable yet."""
        return len(self.assignment.offsets) >= max_uncommitted

    def work(self, max_uncommitted: int) -> Work:
        """What is under way now, counted at each call."""
        at_limit = self.is_at_limit(max_uncommitted)
        return Work(self.assignment, len(self.tasks), self.lanes.queued(), at_limit, self.lanes.first())
