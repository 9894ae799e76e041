"""Sessions that keep dying young are ended by somebody else (docs: design, the session); pure."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks

YOUNG = 60.0
"""Seconds. No application logs its users out after a minute, while processes that share an account and evict one
another end each other's sessions as fast as they log in."""

IN_A_ROW = 3
"""One early death is an administrator's doing or a restart of the API, and two are both of them."""


@dataclass(slots=True)
class EarlyDeaths:
    """Counts, in a row, the sessions that worked and were refused within a minute of their birth.

    One that never worked tells of a log-in that is worth nothing, not of rivals: it counts neither way.
    """

    clock: Callable[[], float] = clocks.monotonic
    in_a_row: int = 0
    _born: float = 0.0
    _worked: bool = False

    def born(self) -> None:
        """A session has begun."""
        self._born, self._worked = self.clock(), False

    def worked(self) -> None:
        """A call was let through with the session."""
        self._worked = True

    def died(self) -> bool:
        """The session was refused; whether that is contention by now."""
        if not self._worked:
            return False
        young = self.clock() - self._born < YOUNG
        self.in_a_row = self.in_a_row + 1 if young else 0
        return self.in_a_row >= IN_A_ROW
