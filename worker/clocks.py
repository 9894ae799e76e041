"""Clocks and draws as defaults: read when they are asked, never bound when a module is loaded.

So whoever plays with time or chance, as a simulation does, changes `time` and `random` alone.
"""

import random
import time
from datetime import UTC, datetime


def monotonic() -> float:
    """Seconds that only ever grow."""
    return time.monotonic()


def wall() -> float:
    """Seconds since the epoch, as the wall clock says."""
    return time.time()


def moment() -> datetime:
    """What the wall clock says."""
    return datetime.fromtimestamp(wall(), UTC)


def epoch() -> float:
    """The same in seconds since 1970."""
    return time.time()


def draw() -> float:
    """From 0 to below 1."""
    return random.random()  # noqa: S311  spreads waits, hides nothing
