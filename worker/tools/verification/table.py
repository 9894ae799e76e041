"""Values by 64-bit keys, in a bounded amount of memory."""

from array import array

from worker.tools.reading.numbering import MASK, Numbering


class Table:
    """At most `room` keys, each with its first value; about 22 bytes a key."""

    __slots__ = ("_numbers", "_values")

    def __init__(self, room: int) -> None:
        self._numbers = Numbering(room)
        self._values = array("Q", (0,)) * self._numbers.size

    def put(self, key: int, value: int) -> int | None:
        """The key's first value, which is this one if it is new; None where there is no room for a new key."""
        found = self._numbers.number(key)
        if found is None:
            return None
        number, is_new = found
        if is_new:
            self._values[number] = value & MASK
        return self._values[number]

    def get(self, key: int) -> int | None:
        """The key's value; None where it has none."""
        number = self._numbers.known(key)
        return None if number is None else self._values[number]

    @property
    def is_full(self) -> bool:
        """Whether there is no room left, so that a key may be missing."""
        return self._numbers.is_full
