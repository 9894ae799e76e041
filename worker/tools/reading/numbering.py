"""Numbers for 64-bit keys, in a bounded amount of memory."""

from array import array

MASK = (1 << 64) - 1
# Odd, so that neighbouring keys end up far from one another.
SPREAD = 0x9E37_79B9_7F4A_7C15


class Numbering:
    """At most `room` keys, each with its own number below `size`; 11 bytes a key."""

    __slots__ = ("_keys", "_left", "size")

    def __init__(self, room: int) -> None:
        self._left = room
        self.size = room * 4 // 3 + 1
        self._keys = array("Q", (0,)) * self.size

    def number(self, key: int) -> tuple[int, bool] | None:
        """The key's number, given to it now if it is new, and whether it is new; None where there is no room."""
        slot, key = self._slot(key)
        if self._keys[slot]:
            return slot, False
        if not self._left:
            return None
        self._left -= 1
        self._keys[slot] = key
        return slot, True

    def known(self, key: int) -> int | None:
        """That key's number; None where it has none."""
        slot, _ = self._slot(key)
        return slot if self._keys[slot] else None

    @property
    def is_full(self) -> bool:
        """Whether there is no room left, so that a key may be missing."""
        return not self._left

    def _slot(self, key: int) -> tuple[int, int]:
        """Where the key is or would be, and the key as it is kept: never 0, which marks an empty slot."""
        key = key & MASK or MASK
        keys, size = self._keys, self.size
        slot = (key * SPREAD & MASK) % size
        while keys[slot] and keys[slot] != key:
            slot = slot + 1 if slot + 1 < size else 0
        return slot, key
