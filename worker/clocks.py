"""Default clocks and random draws; each looks up `time` or `random` when it is called, not at import.

A simulation can therefore control time and chance by replacing functions of `time` and `random` alone.
"""

import random
import time
from datetime import UTC, datetime


def monotonic() -> float:
    """Seconds of the monotonic clock, which never goes back."""
    return time.monotonic()


def wall() -> float:
    """Seconds since the epoch, as the wall clock says."""
    return time.time()


def moment() -> datetime:
    """The wall clock's time, in UTC."""
    return datetime.fromtimestamp(wall(), UTC)


def epoch() -> float:
    """Seconds since 1970, by the wall clock."""
    return time.time()


def draw() -> float:
    """A random number from 0 up to, but not including, 1."""
    return random.random()  # noqa: S311  spreads waits, hides nothing
