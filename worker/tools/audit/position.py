"""How far the audit is in each topic, and where it may begin again without missing an end."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

MARKS: Final = 1_000

Offsets = dict[str, dict[int, int]]
"""By topic and partition."""


class _Mark(NamedTuple):
    """What had been read once, and the offset behind the last request that it told of, by partition."""

    positions: Offsets
    tops: dict[int, int]


@dataclass(slots=True)
class Positions:
    """`next` is what is read next of the topics that tell of ends."""

    next: Offsets = field(default_factory=dict)
    _marks: deque[_Mark] = field(default_factory=deque)

    def passed(self, topic: str, partition: int, count: int) -> None:
        """So many offsets were read."""
        self.next[topic][partition] += count

    def mark(self, tops: Mapping[int, int]) -> None:
        """Everything up to here was read, and tells of requests before `tops` alone."""
        if len(self._marks) >= MARKS:
            self._marks = deque(list(self._marks)[::2])
        self._marks.append(_Mark({topic: dict(parts) for topic, parts in self.next.items()}, dict(tops)))

    def safe(self, judged: Mapping[int, int]) -> Offsets | None:
        """Behind these no request that is not judged yet has its end; None where nothing is known to be so."""
        passed = [each for each in self._marks if all(top <= judged.get(p, 0) for p, top in each.tops.items())]
        while len(passed) > 0 and self._marks[0] is not passed[-1]:
            self._marks.popleft()
        return passed[-1].positions if passed else None
