"""Finds events that come again, by 64-bit hashes, and whether the journal would recognise them."""

from array import array
from typing import Final, Literal

from worker.tools.reading.numbering import Numbering
from worker.tools.reading.place import Place

Repeat = Literal["recognised", "elsewhere", "too_far"]
"""A repeat is recognised only in its own partition, and only among the latest events that the journal keeps."""
LATEST: Final = (1 << 32) - 1


class Repeats:
    """Counts repeats of at most `room` events; 27 bytes an event."""

    __slots__ = (
        "_at",
        "_numbers",
        "_seconds",
        "_within",
        "apart",
        "beyond_room",
        "elsewhere",
        "farthest",
        "first_elsewhere",
        "first_too_far",
        "recognised",
        "too_far",
    )

    def __init__(self, room: int, remembered: int) -> None:
        """`remembered` is how many events the journal keeps of a partition."""
        self._numbers, self._within = Numbering(room), remembered
        size = self._numbers.size
        self._at, self._seconds = array("Q", (0,)) * size, array("I", (0,)) * size
        self.recognised, self.elsewhere, self.too_far, self.beyond_room = 0, 0, 0, 0
        self.apart, self.farthest = 0, 0
        self.first_elsewhere: Place | None = None
        self.first_too_far: Place | None = None

    def note(self, identity: tuple[str, str], place: Place, seconds: int) -> Repeat | None:
        """What the worker would make of the record if it is a repeat, else None; `seconds` is the record's time."""
        found = self._numbers.number(hash(identity))
        if found is None:
            self.beyond_room += 1
            return None
        number, is_new = found
        before, self._at[number] = self._at[number], place.packed
        earlier, self._seconds[number] = self._seconds[number], min(max(0, seconds), LATEST)
        if is_new:
            return None
        return self._judged(Place.unpacked(before), place, self._seconds[number] - earlier)

    def _judged(self, before: Place, place: Place, seconds: int) -> Repeat:
        if before.partition != place.partition:
            self.elsewhere += 1
            self.first_elsewhere = self.first_elsewhere or place
            return "elsewhere"
        self.apart = max(self.apart, seconds)
        self.farthest = max(self.farthest, place.offset - before.offset)
        if place.offset - before.offset > self._within:
            self.too_far += 1
            self.first_too_far = self.first_too_far or place
            return "too_far"
        self.recognised += 1
        return "recognised"
