"""What was seen under which key, in 64 bits each and no more room than was given."""

from array import array

MASK = (1 << 64) - 1
# Odd, so that neighbouring keys end up far from one another.
SPREAD = 0x9E37_79B9_7F4A_7C15


class Table:
    """At most `room` keys, each with the value that it came with first; about 22 bytes for each of them."""

    __slots__ = ("_keys", "_left", "_size", "_values")

    def __init__(self, room: int) -> None:
        self._left = room
        self._size = room * 4 // 3 + 1
        self._keys, self._values = array("Q", bytes(8 * self._size)), array("Q", bytes(8 * self._size))

    def put(self, key: int, value: int) -> int | None:
        """The first value of that key, this one where there was none; None where there is no room for another key."""
        slot, key = self._slot(key)
        if self._keys[slot]:
            return self._values[slot]
        if not self._left:
            return None
        self._left -= 1
        self._keys[slot], self._values[slot] = key, value & MASK
        return value & MASK

    def get(self, key: int) -> int | None:
        """The value of that key."""
        slot, _ = self._slot(key)
        return self._values[slot] if self._keys[slot] else None

    @property
    def is_full(self) -> bool:
        """Whether a key may be missing for want of room."""
        return not self._left

    def _slot(self, key: int) -> tuple[int, int]:
        """Where that key is or would be, and the key as it is kept: never 0, which is an empty slot."""
        key = key & MASK or MASK
        keys, size = self._keys, self._size
        slot = (key * SPREAD & MASK) % size
        while keys[slot] and keys[slot] != key:
            slot = slot + 1 if slot + 1 < size else 0
        return slot, key
