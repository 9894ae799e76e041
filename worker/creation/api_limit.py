"""Puts the limit of calls at once in force: it follows the API's answers, and the slots follow the limit."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks
from worker.creation.adaptive import Adaptive
from worker.creation.calls import Calls
from worker.partition.slots import Slots


def slots_for(calls: int) -> int:
    """How many records are worked on at once: half as many more than calls, so that one is ready when a call ends."""
    return calls + max(1, calls // 2)


@dataclass(eq=False, slots=True)
class ApiLimit:
    """The limit of calls at once, in force; one for the process. Without `adaptive` the limit does not change.

    Slots follow the calls: records that were made ready for calls that are not allowed any more would wait until their
    intents are too old.
    """

    calls: Calls
    slots: Slots | None = None
    adaptive: Adaptive | None = None
    clock: Callable[[], float] = clocks.monotonic

    def __post_init__(self) -> None:
        self._apply()

    @property
    def binds(self) -> bool:
        """Whether fewer calls at once are allowed now than the settings allow."""
        return self.calls.limit < self.calls.most

    def answered(self, began: float) -> None:
        """Count a call that left at `began`, and was answered or given up."""
        if self.adaptive is not None:
            self.adaptive.answered(began, self.clock(), full=self.calls.locked())
            self._apply()

    def refused(self, began: float) -> None:
        """Count a call that left at `began`, for which the API said that it has no room now."""
        if self.adaptive is not None:
            self.adaptive.refused(began, self.clock())
            self._apply()

    def _apply(self) -> None:
        if self.adaptive is not None and self.adaptive.limit != self.calls.limit:
            self.calls.move(self.adaptive.limit)
            if self.slots is not None:
                self.slots.resize(slots_for(self.adaptive.limit))
