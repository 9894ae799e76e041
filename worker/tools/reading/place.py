"""Where a record stands in its topic, as people name it."""

from typing import NamedTuple


class Place(NamedTuple):
    """A partition and an offset of some topic."""

    partition: int
    offset: int

    @property
    def packed(self) -> int:
        """Both in one number below 2**64, another one for each place."""
        return self.partition << 44 | self.offset

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"
