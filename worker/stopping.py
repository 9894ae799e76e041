"""A stop that ends in time: every step of it that waits for Kafka takes what is left until one deadline."""

import asyncio
import math
from typing import Final

from worker import clocks

AFTER_DRAIN: Final = 8.0
"""Seconds after the drain in which the last commit is made, the group left, and all clients of Kafka closed."""
AT_ONCE: Final = 2.0
"""Seconds in which the same is done when a second signal says to leave at once."""
LEAST: Final = 0.1
"""Seconds that a step has even after the deadline: what waits for no broker is done by then."""


class Stopping(asyncio.Event):
    """Set when the process is told to stop.

    The deadline is `drain_timeout` + AFTER_DRAIN seconds later, whatever the brokers do. What is not done by then need
    not be: offsets are read again, the group notices that a member is gone, and open intents are doubts.
    """

    def __init__(self, drain_timeout: float = 0.0) -> None:
        super().__init__()
        self._within = drain_timeout + AFTER_DRAIN
        self._until = math.inf

    def set(self) -> None:
        """Begin the stop."""
        self._until = min(self._until, clocks.monotonic() + self._within)
        super().set()

    def hurry(self) -> None:
        """Have the rest of the stop end at once."""
        self._until = min(self._until, clocks.monotonic() + AT_ONCE)

    def left(self, at_most: float) -> float:
        """The seconds that a step may take: `at_most` before a stop, and later no more than are left of it."""
        return max(LEAST, min(at_most, self._until - clocks.monotonic()))
