"""Finds hot keys by 64-bit hashes: a key itself may be personal data, and is not kept."""

from array import array
from dataclasses import dataclass
from heapq import nlargest
from typing import Final

from worker.tools.reading.numbering import Numbering
from worker.tools.reading.place import OFFSET_BITS, Place

HOTTEST: Final = 5


@dataclass(frozen=True, slots=True)
class HotKey:
    """A key with `records` records, of which `sent` would be sent; `first` is the place of the first."""

    records: int
    sent: int
    first: Place


class Keys:
    """Counts for at most `room` keys; 32 bytes a key."""

    __slots__ = ("_first", "_numbers", "_records", "_sent", "beyond_room", "distinct", "keyless", "scattered")

    def __init__(self, room: int) -> None:
        self._numbers = Numbering(room)
        size = self._numbers.size
        self._records, self._sent = array("I", (0,)) * size, array("I", (0,)) * size
        self._first = array("Q", (0,)) * size
        self.distinct, self.keyless, self.scattered, self.beyond_room = 0, 0, 0, 0

    def note(self, key: bytes | None, place: Place, *, sent: bool) -> None:
        """Count a record; it is `scattered` if its key was first seen in another partition."""
        if key is None:
            self.keyless += 1
            return
        found = self._numbers.number(hash(key))
        if found is None:
            self.beyond_room += 1
            return
        number, is_new = found
        if is_new:
            self.distinct += 1
            self._first[number] = place.packed
        elif self._first[number] >> OFFSET_BITS != place.partition:
            self.scattered += 1
        self._records[number] += 1
        self._sent[number] += sent

    def hottest(self) -> list[HotKey]:
        """The keys with the most records."""
        numbers = nlargest(HOTTEST, range(self._numbers.size), key=self._records.__getitem__)
        return [
            HotKey(self._records[each], self._sent[each], Place.unpacked(self._first[each]))
            for each in numbers
            if self._records[each]
        ]

    @property
    def most_sent(self) -> int:
        """The most records of one key that would be sent; each waits for the one before it."""
        return max(self._sent)
