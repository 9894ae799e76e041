"""Which requests are asked about: nothing is told of any others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from worker.tools.reading.offset_set import FOR_EVER, Run
from worker.tools.reading.place import Place

Spans = Mapping[int, Run]
NOTHING: Final = (0, 0)
EVERYTHING: Final = (0, FOR_EVER)


@dataclass(frozen=True, slots=True)
class Range:
    """The requests that are asked about, wherever their log begins or ends: (first, end) offsets by partition.

    `others` are those of the partitions that `spans` does not name.
    """

    spans: Spans = field(default_factory=dict)
    others: Run = EVERYTHING

    def of(self, partition: int) -> Run:
        """The (first, end) offsets of that partition."""
        return self.spans.get(partition, self.others)

    def __contains__(self, place: Place) -> bool:
        first, end = self.of(place.partition)
        return first <= place.offset < end

    def within(self, partition: int, runs: Iterable[Run]) -> Iterator[Run]:
        """What of these runs is asked about."""
        first, end = self.of(partition)
        clipped = ((max(first, low), min(end, high)) for low, high in runs)
        return (run for run in clipped if run[0] < run[1])


ALL: Final = Range()
