"""A set of places of a topic, in one bit an offset."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.tools.reading.offset_set import OffsetSet, Run
from worker.tools.reading.place import Place


@dataclass(slots=True)
class PlaceSet:
    """A set within `spans`, the (first, end) offsets by partition; a place outside of these is never in it."""

    spans: Mapping[int, Run]
    parts: dict[int, OffsetSet] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = {number: OffsetSet(*span) for number, span in self.spans.items()}

    def add(self, place: Place) -> None:
        """Add the place, if it lies within the spans."""
        if (offsets := self.parts.get(place.partition)) is not None:
            offsets.add(place.offset)

    def __contains__(self, place: Place | None) -> bool:
        return place is not None and place.partition in self.parts and place.offset in self.parts[place.partition]

    def __len__(self) -> int:
        return sum(map(len, self.parts.values()))

    def lowest(self) -> dict[int, int]:
        """The lowest offset of each partition that has any."""
        found = {number: offsets.lowest() for number, offsets in self.parts.items()}
        return {number: offset for number, offset in found.items() if offset is not None}
