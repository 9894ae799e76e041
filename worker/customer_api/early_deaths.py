"""Concludes from sessions that keep dying young that others end them (docs: design, the session); pure."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks

YOUNG = 60.0
"""Seconds below which a session dies young.

No application logs its users out after a minute, while processes that share an account end each other's sessions as
fast as they log in.
"""

IN_A_ROW = 3
"""So many early deaths in a row are contention: one or two may be an administrator or a restart of the API."""


@dataclass(slots=True)
class EarlyDeaths:
    """Counts the sessions in a row that worked and were refused within a minute of their login.

    A session that never worked is not counted: it shows that the login is worth nothing, not that others end sessions.
    """

    clock: Callable[[], float] = clocks.monotonic
    in_a_row: int = 0
    _born: float = 0.0
    _worked: bool = False

    def born(self) -> None:
        """Note that a session has begun."""
        self._born, self._worked = self.clock(), False

    def worked(self) -> None:
        """Note that a call was let through with the session."""
        self._worked = True

    def died(self) -> bool:
        """Note that the session was refused; return whether that is contention by now."""
        if not self._worked:
            return False
        young = self.clock() - self._born < YOUNG
        self.in_a_row = self.in_a_row + 1 if young else 0
        return self.in_a_row >= IN_A_ROW
