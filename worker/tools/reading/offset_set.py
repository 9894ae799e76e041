"""A set of a partition's offsets, in one bit each."""

import re
from collections.abc import Iterator
from typing import Final

SOME = re.compile(rb"[^\x00]+")
Run = tuple[int, int]
FOR_EVER: Final = 1 << 62
"""An offset behind the end of every log."""


class OffsetSet:
    """A set of offsets from `first` up to, without, `end`; offsets outside of that are never in it."""

    __slots__ = ("_bytes", "_size", "end", "first")

    def __init__(self, first: int, end: int, bits: int = 0) -> None:
        self.first, self.end = first, max(first, end)
        self._size = self.end - first
        self._bytes = bytearray(bits.to_bytes((self._size + 7) // 8, "little"))

    def add(self, offset: int) -> None:
        """Add the offset, if it lies between `first` and `end`."""
        place = offset - self.first
        if 0 <= place < self._size:
            self._bytes[place >> 3] |= 1 << (place & 7)

    def __contains__(self, offset: int) -> bool:
        place = offset - self.first
        return 0 <= place < self._size and bool(self._bytes[place >> 3] >> (place & 7) & 1)

    def __len__(self) -> int:
        return self.number.bit_count()

    def both(self, other: "OffsetSet") -> "OffsetSet":
        """The offsets in this set and the other, which has the same first and end."""
        return OffsetSet(self.first, self.end, self.number & other.number)

    def either(self, other: "OffsetSet") -> "OffsetSet":
        """The offsets in this set or the other."""
        return OffsetSet(self.first, self.end, self.number | other.number)

    def without(self, other: "OffsetSet") -> "OffsetSet":
        """The offsets in this set and not in the other."""
        return OffsetSet(self.first, self.end, self.number & ~other.number)

    def others(self) -> "OffsetSet":
        """The offsets between `first` and `end` that are not in this set."""
        return OffsetSet(self.first, self.end, ~self.number & ((1 << self._size) - 1))

    def runs(self, apart: int = 1) -> Iterator[Run]:
        """Runs (first, end) of offsets, in order; runs that are less than `apart` offsets apart are joined."""
        start = end = -1
        for offset in self._offsets():
            if start >= 0 and offset - end >= apart:
                yield start, end
                start = offset
            start, end = (offset if start < 0 else start), offset + 1
        if start >= 0:
            yield start, end

    def lowest(self) -> int | None:
        """The lowest offset; None in an empty set."""
        return next(self._offsets(), None)

    @property
    def number(self) -> int:
        """The set as a number, whose lowest bit is that of `first`."""
        return int.from_bytes(self._bytes, "little")

    def _offsets(self) -> Iterator[int]:
        for found in SOME.finditer(self._bytes):
            for index in range(*found.span()):
                for bit in range(8):
                    if self._bytes[index] >> bit & 1:
                        yield self.first + index * 8 + bit
