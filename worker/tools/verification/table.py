"""What was seen under which key, in 64 bits each and no more room than was given."""

from array import array

from worker.tools.reading.numbering import MASK, Numbering


class Table:
    """At most `room` keys, each with the value that it came with first; about 22 bytes for each of them."""

    __slots__ = ("_numbers", "_values")

    def __init__(self, room: int) -> None:
        self._numbers = Numbering(room)
        self._values = array("Q", (0,)) * self._numbers.size

    def put(self, key: int, value: int) -> int | None:
        """The first value of that key, this one where there was none; None where there is no room for another key."""
        found = self._numbers.number(key)
        if found is None:
            return None
        number, is_new = found
        if is_new:
            self._values[number] = value & MASK
        return self._values[number]

    def get(self, key: int) -> int | None:
        """The value of that key."""
        number = self._numbers.known(key)
        return None if number is None else self._values[number]

    @property
    def is_full(self) -> bool:
        """Whether a key may be missing for want of room."""
        return self._numbers.is_full
