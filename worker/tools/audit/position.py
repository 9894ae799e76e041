"""How far the audit has read each topic, and where it may begin again without missing an end."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

MARKS: Final = 1_000

Offsets = dict[str, dict[int, int]]
"""Offsets by topic and partition."""


class _Mark(NamedTuple):
    """Positions that were reached, and the offset behind the last request that was told of by then, by partition."""

    positions: Offsets
    tops: dict[int, int]


@dataclass(slots=True)
class Positions:
    """`next` is the next offset to be read, in the topics that tell of ends."""

    next: Offsets = field(default_factory=dict)
    _marks: deque[_Mark] = field(default_factory=deque)

    def passed(self, topic: str, partition: int, count: int) -> None:
        """Note that so many offsets were read."""
        self.next[topic][partition] += count

    def mark(self, tops: Mapping[int, int]) -> None:
        """Note that everything up to here was read, and tells only of requests before `tops`."""
        if len(self._marks) >= MARKS:
            self._marks = deque(list(self._marks)[::2])
        self._marks.append(_Mark({topic: dict(parts) for topic, parts in self.next.items()}, dict(tops)))

    def safe(self, judged: Mapping[int, int]) -> Offsets | None:
        """Positions behind which no request below `judged` has its end, so that reading may begin there.

        None if unknown.
        """
        passed = [each for each in self._marks if all(top <= judged.get(p, 0) for p, top in each.tops.items())]
        while len(passed) > 0 and self._marks[0] is not passed[-1]:
            self._marks.popleft()
        return passed[-1].positions if passed else None
