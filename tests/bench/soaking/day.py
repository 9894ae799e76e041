"""The simulated day: how much comes when, how the API does, and what is restarted; the same for all who ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Final, Literal, NamedTuple

HOURS: Final = 24
QUIETEST: Final = 3.0
"""The hour of the night with the least load; the API is slowest twelve hours later."""
SWING: Final = 0.6
"""Around the average load."""
ROLL_EVERY, BROKER_EVERY = 1 / 6, 1.0
"""Hours."""
LEAST_ROLL, LEAST_BROKER = 45.0, 60.0
"""Seconds between two restarts of a kind, however short the day is: each takes some of its own."""
CALM: Final = 15.0
"""Seconds at the day's end in which nothing is restarted."""

Closed = Literal["refusing", "gone"]
MAINTENANCE: Final[tuple[tuple[float, float, Closed], ...]] = ((2.0, 2 + 1 / 3, "refusing"), (13.0, 13.2, "gone"))
"""Hours: the API says 503 with `Retry-After`; nobody listens at all."""


class Mood(NamedTuple):
    """How the API does: seconds that a call takes, and the shares of calls that end otherwise than well.

    `refused` is a 503 with `Retry-After`; a customer whose answer is `lost` or `broken` (500) was created all the same.
    """

    latency: float
    refused: float
    lost: float
    broken: float
    closed: Closed | None


class Restart(NamedTuple):
    """Seconds since the day began, and what is restarted then."""

    at: float
    what: Literal["workers", "broker"]


@dataclass(frozen=True, slots=True)
class Day:
    """So many events in 24 hours, which pass in so many seconds."""

    events: int
    seconds: float

    @property
    def hour(self) -> float:
        """Seconds."""
        return self.seconds / HOURS

    def clock(self, passed: float) -> float:
        """The hour after so many seconds; 24 and more once the day is over."""
        return passed / self.hour

    def due(self, passed: float) -> int:
        """How many events have come by then."""
        hour = min(max(self.clock(passed), 0.0), HOURS)
        wave = SWING * HOURS / (2 * pi) * (sin(_turn(hour)) - sin(_turn(0)))
        return round(self.events * (hour - wave) / HOURS)

    def mood(self, passed: float) -> Mood:
        """The API's after so many seconds."""
        hour = self.clock(passed)
        busy = (1 - cos(_turn(hour))) / 2
        closed = next((how for first, end, how in MAINTENANCE if first <= hour < end), None)
        return Mood(0.02 + 0.1 * busy, 0.01 * busy, 0.0005 * busy, 0.0005 * busy, closed)

    @property
    def longest_closed(self) -> float:
        """Seconds that the longest maintenance takes."""
        return max(end - first for first, end, _ in MAINTENANCE) * self.hour

    def restarts(self) -> Iterator[Restart]:
        """In their order."""
        found = [Restart(at, "workers") for at in self._each(ROLL_EVERY, LEAST_ROLL, ROLL_EVERY)]
        # Neither at the hour nor when a rolling restart begins.
        found += [Restart(at, "broker") for at in self._each(BROKER_EVERY, LEAST_BROKER, 5 / 12)]
        yield from sorted(found)

    def _each(self, hours: float, least: float, first: float) -> Iterator[float]:
        every, count = max(hours * self.hour, least), 0
        while (at := max(first * self.hour, least / 3) + count * every) < self.seconds - CALM:
            yield at
            count += 1


def _turn(hour: float) -> float:
    return 2 * pi * (hour - QUIETEST) / HOURS
