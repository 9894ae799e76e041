"""How many calls at once the API bears, in force: what its answers say moves the calls, and the slots with them."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks
from worker.creation.adaptive import Adaptive
from worker.creation.calls import Calls
from worker.partition.slots import Slots


def slots_for(calls: int) -> int:
    """Records worked on at once: half as many more than calls, so that one is ready whenever a call ends."""
    return calls + max(1, calls // 2)


@dataclass(eq=False, slots=True)
class ApiLimit:
    """One for the process; without `adaptive` there may always be as many calls as there are.

    Slots follow the calls: records that were made ready for calls that are not there any more would wait until their
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
        """Whether there may be fewer calls than the settings allow."""
        return self.calls.limit < self.calls.most

    def answered(self, began: float) -> None:
        """A call that left then was answered, or given up."""
        if self.adaptive is not None:
            self.adaptive.answered(began, self.clock(), full=self.calls.locked())
            self._apply()

    def refused(self, began: float) -> None:
        """The API said that it has no room for it now."""
        if self.adaptive is not None:
            self.adaptive.refused(began, self.clock())
            self._apply()

    def _apply(self) -> None:
        if self.adaptive is not None and self.adaptive.limit != self.calls.limit:
            self.calls.move(self.adaptive.limit)
            if self.slots is not None:
                self.slots.resize(slots_for(self.adaptive.limit))
