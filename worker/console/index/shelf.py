"""The letters of one partition, packed in 42 bytes each, and read from the newest on."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

from worker.tools.reading.place import Place

# offset, timestamp, cause, partition and offset of the request, hash of the event's id, replays
FORM = Struct("<qqiiqQH")
SIZE = FORM.size
NOWHERE = -1


class Row(NamedTuple):
    """What the index knows of a letter. `event` is a hash of the event's id; the request is -1 where there is none."""

    offset: int
    timestamp: int
    cause: int
    request_partition: int
    request_offset: int
    event: int
    replays: int

    @property
    def request(self) -> Place | None:
        """The place of the request's record; None where the letter is about none."""
        return Place(self.request_partition, self.request_offset) if self.request_partition >= 0 else None


@dataclass(slots=True)
class Shelf:
    """All letters of one partition from `low` up to, without, `high`, as far as the topic has them."""

    low: int
    high: int
    _older: bytearray = field(default_factory=bytearray)
    _newer: bytearray = field(default_factory=bytearray)
    _gone: int = 0
    """How many rows were dropped before the first of `_newer`: so an iterator under way finds its next row."""

    def __len__(self) -> int:
        return (len(self._older) + len(self._newer)) // SIZE

    def add_older(self, row: Row) -> None:
        """Add the letter next below all others."""
        if row.offset < self.low:
            self._older += FORM.pack(*row)
            self.low = row.offset

    def add_newer(self, row: Row) -> None:
        """Add the letter next above all others."""
        if row.offset >= self.high:
            self._newer += FORM.pack(*row)
            self.high = row.offset + 1

    def drop_below(self, offset: int) -> list[Row]:
        """Drop the letters below that offset, which are not in the topic any more, and return them."""
        dropped = self.drop_oldest(len(self) - self.count_from(offset))
        self.low = max(self.low, offset)
        self.high = max(self.high, offset)
        return dropped

    def drop_oldest(self, count: int) -> list[Row]:
        """Drop the `count` oldest letters, or all, and return them."""
        dropped = [self._at(place) for place in range(len(self) - 1, max(-1, len(self) - 1 - count), -1)]
        older = min(len(dropped), len(self._older) // SIZE)
        del self._older[len(self._older) - older * SIZE :]
        del self._newer[: (len(dropped) - older) * SIZE]
        self._gone += len(dropped) - older
        if dropped:
            self.low = dropped[-1].offset + 1
        return dropped

    def newest_first(self, below: int | None = None) -> Iterator[Row]:
        """Yield rows below that offset, the newest first. Rows that are added or dropped meanwhile are left out."""
        first = self.count_from(below) if below is not None else 0
        older, newer = len(self._older) // SIZE, len(self._newer) // SIZE
        for number in range(self._gone + newer - 1 - first, self._gone - 1, -1):
            if number < self._gone:
                return
            yield Row._make(FORM.unpack_from(self._newer, (number - self._gone) * SIZE))
        for place in range(max(0, first - newer), older):
            if place * SIZE >= len(self._older):
                return
            yield Row._make(FORM.unpack_from(self._older, place * SIZE))

    def count_from(self, offset: int) -> int:
        """How many letters have that offset or a higher one."""
        return bisect_left(range(len(self)), 1 - offset, key=lambda place: -self._at(place).offset)

    def _at(self, place: int) -> Row:
        """The row at that place, of which 0 is the newest."""
        newer = len(self._newer) // SIZE
        if place < newer:
            return Row._make(FORM.unpack_from(self._newer, (newer - 1 - place) * SIZE))
        return Row._make(FORM.unpack_from(self._older, (place - newer) * SIZE))
