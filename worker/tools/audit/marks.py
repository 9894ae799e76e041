"""What is known of each request's end, one byte an offset, for a bounded number of offsets."""

import re
from collections.abc import Iterator
from typing import Final

from worker.tools.reading.place import Place

SUCCEEDED: Final = 1
FAILED: Final = 2
LETTERED: Final = 4
LETTER_MISSING: Final = 8
"""The failed event names a dead letter that is not there, or is another request's."""
ENDED: Final = SUCCEEDED | FAILED

BLOCK: Final = 1 << 14
BLOCKS: Final = 1 << 12
"""So many blocks take 64 MiB in all."""


class Marks:
    """Blocks of offsets. Where there is no room the oldest block is dropped, and all before it in its partition."""

    def __init__(self, blocks: int = BLOCKS) -> None:
        self._room = blocks
        self._blocks: dict[tuple[int, int], bytearray] = {}
        self.floors: dict[int, int] = {}
        """By partition the first offset of which marks are kept; those before it were dropped, or never wanted."""

    def begin(self, partition: int, offset: int) -> None:
        """Keep nothing before that offset of the partition."""
        self.floors[partition] = offset

    def forget(self, partition: int) -> None:
        """Forget all marks of the partition."""
        for each in [key for key in self._blocks if key[0] == partition]:
            del self._blocks[each]

    def keeps(self, place: Place) -> bool:
        """Whether marks of that request are kept."""
        return place.offset >= self.floors.get(place.partition, place.offset + 1)

    def add(self, place: Place, mark: int) -> int:
        """Add a mark; return what was known before. Only for places that it `keeps`."""
        number, index = divmod(place.offset, BLOCK)
        block = self._blocks.get((place.partition, number))
        if block is None:
            block = self._begun(place.partition, number)
        before = block[index]
        block[index] = before | mark
        return before

    def of(self, place: Place) -> int:
        """The marks of that request."""
        number, index = divmod(place.offset, BLOCK)
        block = self._blocks.get((place.partition, number))
        return block[index] if block else 0

    def without(self, mark: int, partition: int, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs (first, end) of offsets that have none of these marks."""
        return self._runs(frozenset(each for each in range(16) if not each & mark), partition, first, end)

    def wherever(self, having: int, lacking: int, partition: int, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs (first, end) of offsets that have all of `having` and none of `lacking`."""
        chosen = (each for each in range(16) if each & having == having and not each & lacking)
        return self._runs(frozenset(chosen), partition, first, end)

    def _runs(self, chosen: frozenset[int], partition: int, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs within each block: one that goes on in the next block is returned as two."""
        form = re.compile(b"[" + b"".join(b"\\x%02x" % each for each in sorted(chosen)) + b"]+")
        first = max(first, self.floors.get(partition, end))
        for number in range(first // BLOCK, -(-end // BLOCK)):
            start = number * BLOCK
            low, high = max(first, start), min(end, start + BLOCK)
            block = self._blocks.get((partition, number))
            if block is not None:
                for run in form.finditer(block, low - start, high - start):
                    yield start + run.start(), start + run.end()
            elif 0 in chosen and low < high:
                yield low, high

    def _begun(self, partition: int, number: int) -> bytearray:
        while len(self._blocks) >= self._room:
            self._let_go(*next(iter(self._blocks)))
        block = self._blocks[partition, number] = bytearray(BLOCK)
        return block

    def _let_go(self, partition: int, number: int) -> None:
        self.floors[partition] = max(self.floors[partition], (number + 1) * BLOCK)
        for each in [key for key in self._blocks if key[0] == partition and key[1] <= number]:
            del self._blocks[each]
