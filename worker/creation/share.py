"""Which of the whole group's moments this worker may send at; pure.

The group's moments are the multiples of one interval on the wall clock. Each belongs to one partition: they go round
all partitions of the topic. A worker sends at those of its own partitions. So workers that never hear of one another
interleave instead of meeting in one second, as long as their clocks agree (docs: sizing, one rate for the group).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Final

BEGINS_AFTER: Final = 1.0
"""The moments of a gained partition count after so many seconds: until then its previous owner may send at them."""
ON_TIME: Final = 0.03
"""A moment may be used until so many seconds after it; a record that is later than that waits for another one."""
SPREAD: Final = 0.05
"""Seconds by which lateness and the network may shorten the distance of two requests."""
EXCESS: Final = 1.1
"""In any second there may be at most so many times the rate."""


def interval(rate: float) -> float:
    """Seconds between two moments: 1 / `rate`, or a little more where a low rate has no room for lateness.

    It is so long that one request more than `most_in_a_second` never fits into a second, even `SPREAD` closer.
    """
    return max(1 / rate, (1 + SPREAD) / most_in_a_second(rate))


def most_in_a_second(rate: float) -> int:
    """How many requests any second may have: a tenth more than the rate, and at least the rate rounded up."""
    return max(ceil(rate), floor(EXCESS * rate + 1e-9))


@dataclass(slots=True)
class Share:
    """`rate` is the whole group's; `of` tells how many partitions the topic has. Times are seconds since the epoch."""

    rate: float
    of: Callable[[], int] = lambda: 0
    _since: dict[int, float] = field(default_factory=dict)
    _taken: int = -1
    interval: float = field(init=False)

    def __post_init__(self) -> None:
        self.interval = interval(self.rate)

    @property
    def own_rate(self) -> float:
        """How many moments a second are ours."""
        return len(self._since) / (self._all * self.interval)

    def gain(self, partition: int, now: float) -> None:
        """Count the partition's moments as ours from BEGINS_AFTER seconds later on."""
        if self.is_empty:
            # What was taken is over by then, unless the clock was set back: then it would be taken for as long.
            self._taken = -1
        self._since[partition] = now + BEGINS_AFTER

    def lose(self, partition: int) -> None:
        """Count the partition's moments as ours no longer."""
        self._since.pop(partition, None)

    @property
    def is_empty(self) -> bool:
        """Whether no moment is ours."""
        return not self._since

    @property
    def taken_until(self) -> float:
        """The latest moment that is taken."""
        return self._taken * self.interval

    def next(self, now: float) -> float | None:
        """The first moment of ours that is neither taken nor over; what is over is not saved up.

        None without partitions.
        """
        number = self._next(now)
        return None if number is None else number * self.interval

    def take(self, now: float) -> float | None:
        """Take the next moment and return it; None without partitions."""
        if (number := self._next(now)) is None:
            return None
        self._taken = number
        return number * self.interval

    @property
    def _all(self) -> int:
        """How many partitions the topic has; no less than we have seen, since one may be ours before we hear of it."""
        return max(self.of(), 1 + max(self._since, default=0))

    def _next(self, now: float) -> int | None:
        if not self._since:
            return None
        return min(self._first_of(each, max(now - ON_TIME, since)) for each, since in self._since.items())

    def _first_of(self, partition: int, time: float) -> int:
        """The number of the partition's first moment at that time or later, after the last one taken."""
        number = max(ceil(time / self.interval), self._taken + 1)
        return number + (partition - number) % self._all
