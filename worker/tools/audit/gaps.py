"""What one look at requests without an end has found, counted once all of them were read: reading may be cut off."""

from collections import Counter
from dataclasses import dataclass, field

from worker.tools.audit.unended import Unended
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place


@dataclass(slots=True)
class Gaps:
    """`offsets` are of those whose end is due; of others it is told why they are not judged."""

    offsets: OffsetSet
    unended: Unended = field(default_factory=Unended)
    not_judged: Counter[str] = field(default_factory=Counter)

    def add(self, place: Place, timestamp: int) -> None:
        """`timestamp` is its record's, in milliseconds."""
        self.offsets.add(place.offset)
        self.unended.add(place, timestamp)
