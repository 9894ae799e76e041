"""What was seen while the day went on, and what is judged of it: how much memory grew, how long records waited."""

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

SETTLED: Final = 0.2
"""Share of a worker's time after which everything has its size."""
TENTH: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment, in seconds since the day began; counts are of the whole day until then.

    `stored` are records in the request topic, `committed` those that the group is done with, None while Kafka does not
    tell; `rss` is in MiB by the worker's number and its life.
    """

    at: float
    stored: int
    committed: int | None
    created: int
    rss: Mapping[tuple[int, int], float] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)

    @property
    def lag(self) -> int | None:
        """Records that the group is not done with."""
        return None if self.committed is None else max(0, self.stored - self.committed)


def behind(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """(moment, seconds): for how long the group has not been done with all that was stored before."""
    stored, times = [each.stored for each in samples], [each.at for each in samples]
    found = []
    for each in samples:
        if each.committed is None:
            continue
        # The first moment at which there was more than what is committed by now.
        first = bisect_right(stored, each.committed)
        found.append((each.at, each.at - times[first] if first < len(times) and times[first] < each.at else 0.0))
    return found


def growth(points: Sequence[tuple[float, float]]) -> float:
    """By how much the median of a line's last tenth is above that of a tenth once everything has its size."""
    if len(points) < 2:
        return 0.0
    first, last = points[0][0], points[-1][0]
    tenth, start = (last - first) * TENTH, first + (last - first) * SETTLED
    return _median(points, last - tenth, last) - _median(points, start, start + tenth)


def _median(points: Sequence[tuple[float, float]], first: float, last: float) -> float:
    """Of those between; of the nearest one where there is none."""
    times = [at for at, _ in points]
    low, high = bisect_left(times, first), bisect_right(times, last)
    low = min(low, len(points) - 1)
    return statistics.median(value for _, value in points[low : max(high, low + 1)])


def lives(samples: Sequence[Sample]) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """The line of each worker process's memory, by its number and life."""
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for each in samples:
        for life, rss in each.rss.items():
            found.setdefault(life, []).append((each.at, rss))
    return found


def over_lives(samples: Sequence[Sample], number: int) -> list[tuple[float, float]]:
    """(end of a life, its largest memory) of one number, life after life."""
    found = sorted((life, points) for (each, life), points in lives(samples).items() if each == number)
    return [(points[-1][0], max(value for _, value in points)) for _, points in found]
