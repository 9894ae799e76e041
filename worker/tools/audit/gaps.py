"""The requests without an end of one look, counted only when all were read: reading may be interrupted."""

from collections import Counter
from dataclasses import dataclass, field

from worker.tools.audit.unended import Unended
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place


@dataclass(slots=True)
class Gaps:
    """`offsets` are of requests whose end is due; `not_judged` counts the others by why they are not judged."""

    offsets: OffsetSet
    unended: Unended = field(default_factory=Unended)
    not_judged: Counter[str] = field(default_factory=Counter)

    def add(self, place: Place, timestamp: int) -> None:
        """Add a request; `timestamp` is its record's, in milliseconds."""
        self.offsets.add(place.offset)
        self.unended.add(place, timestamp)
