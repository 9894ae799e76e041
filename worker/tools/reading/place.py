"""Where a record stands in its topic, as people name it."""

from typing import NamedTuple, Self

OFFSET_BITS = 44


class Place(NamedTuple):
    """A partition and an offset of some topic."""

    partition: int
    offset: int

    @property
    def packed(self) -> int:
        """Both in one number below 2**64, which is unique for each place."""
        return self.partition << OFFSET_BITS | self.offset

    @classmethod
    def unpacked(cls, number: int) -> Self:
        """The place of that number."""
        return cls(number >> OFFSET_BITS, number & ((1 << OFFSET_BITS) - 1))

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"
