"""The customers of the latest events, by 64-bit hashes; the oldest are dropped where there is no room."""

from array import array
from typing import Final

from worker.tools.reading.numbering import MASK, Numbering
from worker.tools.reading.place import Place
from worker.tools.verification.reading import Success

ROOM: Final = 1_000_000
"""At least so many of the latest events are kept, and twice as many at most: 86 MB."""


class Customers:
    """Finds suspects by hashes; whoever acts on one must read both events and compare them."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._young, self._old = _Known(room), _Known(0)

    def put(self, event: Success, at: Place) -> Place | None:
        """Keep the event's customer; `at` is its place.

        Returns the place of the event's first occurrence if that seems to name another customer, else None.
        """
        key, customer = key_of(event), hash(event.customer) & MASK
        for known in (self._young, self._old):
            if (found := known.get(key)) is not None:
                return Place.unpacked(found[1]) if found[0] != customer else None
        if not self._young.put(key, customer, at.packed):
            self._old, self._young = self._young, _Known(self._room)
            self._young.put(key, customer, at.packed)
        return None


class _Known:
    """At most so many events, with 32 bytes for each."""

    def __init__(self, room: int) -> None:
        self._numbers = Numbering(room)
        self._customers = array("Q", (0,)) * self._numbers.size
        self._places = array("Q", (0,)) * self._numbers.size

    def get(self, key: int) -> tuple[int, int] | None:
        number = self._numbers.known(key)
        return None if number is None else (self._customers[number], self._places[number])

    def put(self, key: int, customer: int, place: int) -> bool:
        found = self._numbers.number(key)
        if found is None:
            return False
        self._customers[found[0]], self._places[found[0]] = customer, place
        return True


def key_of(event: Success) -> int:
    """64 bits of a hash of the event's own source and id."""
    return hash((event.source, event.id)) & MASK
