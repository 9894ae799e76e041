"""What else the machine does while something is measured: waited out for a while, and told."""

import asyncio
import os
import statistics
import time
from dataclasses import dataclass, field

import psutil

LOOK = 0.5
QUIET = 0.25
"""Cores that others may use without disturbing much."""


@dataclass(frozen=True)
class Use:
    """CPU seconds of the whole machine, and of us and all that we have started."""

    at: float
    all: float
    ours: float


def use() -> Use:
    """At this moment."""
    times = psutil.cpu_times()
    return Use(time.monotonic(), sum(times) - times.idle - times.iowait - times.guest - times.guest_nice, _ours())


def _ours() -> float:
    us = psutil.Process()
    used = 0.0
    for process in (us, *us.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used


def others(first: Use, last: Use) -> float:
    """Cores that were busy with what is not ours."""
    return max(0.0, (last.all - first.all - (last.ours - first.ours)) / (last.at - first.at))


@dataclass
class Machine:
    """`patience`: how many seconds a measurement waits for others to be quiet, before it begins all the same."""

    patience: float = 0.0
    seen: list[float] = field(default_factory=list)

    async def quiet(self) -> None:
        """Return when others use next to nothing, or when the patience is over."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            before = use()
            await asyncio.sleep(LOOK)
            if others(before, use()) < QUIET:
                return

    def saw(self, first: Use, last: Use) -> None:
        """What a window had to share."""
        self.seen.append(others(first, last))

    def told(self, first: Use, last: Use) -> str:
        """Of all windows since it was told last; of all the time between, where there was none."""
        seen, self.seen = self.seen or [others(first, last)], []
        shared = f"others used {statistics.median(seen):.1f} cores in the median window, {max(seen):.1f} in the worst"
        return f"{shared}, load {os.getloadavg()[0]:.1f}"
