"""A smooth limit on POSTs: each has a moment of its own, at least a fixed time after the one before."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks


@dataclass(slots=True)
class Pace:
    """`rate` is POSTs a second; None is no limit."""

    rate: float | None = None
    clock: Callable[[], float] = clocks.monotonic
    _next: float = 0.0

    def reserve(self) -> float:
        """Reserve the next moment; return the seconds until then. Time that went unused is not saved up for a burst."""
        if self.rate is None:
            return 0.0
        now = self.clock()
        moment = max(now, self._next)
        self._next = moment + 1 / self.rate
        return moment - now

    def somebody_waits(self) -> bool:
        """Whether a moment is reserved that has not come yet."""
        return self.rate is not None and self._next - 1 / self.rate > self.clock()
