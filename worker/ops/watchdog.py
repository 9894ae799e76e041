"""Whether the event loop and the consumer go on: measured all the time, and asked for by `/livez`."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from worker import clocks

log = structlog.get_logger()
TICK = 0.5
REMEMBERED = 20.0
"""Seconds for which a lag is remembered: longer than between two probes or scrapes, so that one of them sees it."""
WORTH_TELLING = 1.0
LOOP_STALLED = 5.0
CONSUMER_STALLED = 30.0
"""Seconds without a poll after which the consumer counts as stalled.

A round is a poll of 0.2 s and at times a commit, which is given up after 5 s.
"""


@dataclass(eq=False, slots=True)
class Watchdog:
    """Measures how late the event loop is, and how long ago the consumer asked for records.

    `polled` is when it last did, on the same clock; None while it is not meant to. `also` is called at each tick.
    """

    polled: Callable[[], float | None] = lambda: None
    clock: Callable[[], float] = clocks.monotonic
    also: Callable[[], None] = lambda: None
    _due: float = 0.0
    _lags: deque[tuple[float, float]] = field(default_factory=deque)

    async def run(self) -> None:
        """Tick for as long as the process lives."""
        while True:
            self._due = self.clock() + TICK
            await asyncio.sleep(TICK)
            self.ticked()

    def ticked(self) -> None:
        """Note a tick; its lateness is for how long the loop was kept from it."""
        self.also()
        now = self.clock()
        lag = max(0.0, now - self._due)
        self._lags.append((now, lag))
        while self._lags[0][0] < now - REMEMBERED:
            self._lags.popleft()
        if lag >= WORTH_TELLING:
            log.warning("loop.stalled", seconds=round(lag, 3))

    def loop_lag(self, within: float = REMEMBERED) -> float:
        """The worst lateness of the last `within` seconds, in seconds; the tick that is due now counts, too."""
        now = self.clock()
        overdue = max(0.0, now - self._due) if self._due else 0.0
        return max([overdue, *(lag for at, lag in self._lags if at >= now - within)])

    def stalled(self) -> str | None:
        """What has stalled, for a person; None where everything goes on. A stall that is over is soon forgotten."""
        if (lag := self.loop_lag(within=LOOP_STALLED)) >= LOOP_STALLED:
            return f"the event loop stood still for {lag:.1f} s"
        polled = self.polled()
        if polled is not None and (idle := self.clock() - polled) >= CONSUMER_STALLED:
            return f"the consumer has not asked for records for {idle:.0f} s"
        return None
