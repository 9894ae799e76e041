"""What is known of each request's end, one byte an offset, for no more offsets than there is room for."""

import re
from collections.abc import Iterator
from typing import Final

from worker.tools.reading.place import Place

SUCCEEDED: Final = 1
FAILED: Final = 2
LETTERED: Final = 4
LETTER_MISSING: Final = 8
"""Its failed event names a dead letter that is not there, or is another request's."""
ENDED: Final = SUCCEEDED | FAILED

BLOCK: Final = 1 << 14
BLOCKS: Final = 1 << 12
"""64 MiB in all."""


class Marks:
    """Blocks of offsets; the block that was begun first is let go first, and what is before it in its partition."""

    def __init__(self, blocks: int = BLOCKS) -> None:
        self._room = blocks
        self._blocks: dict[tuple[int, int], bytearray] = {}
        self.floors: dict[int, int] = {}
        """By partition the first offset of which anything is kept; those before it were let go, or never asked for."""

    def begin(self, partition: int, offset: int) -> None:
        """Nothing before that offset is kept of this partition."""
        self.floors[partition] = offset

    def keeps(self, place: Place) -> bool:
        """Whether what is said of that offset is kept."""
        return place.offset >= self.floors.get(place.partition, place.offset + 1)

    def add(self, place: Place, mark: int) -> int:
        """What was known of it before; the place must be one that it `keeps`."""
        number, index = divmod(place.offset, BLOCK)
        block = self._blocks.get((place.partition, number))
        if block is None:
            block = self._begun(place.partition, number)
        before = block[index]
        block[index] = before | mark
        return before

    def of(self, place: Place) -> int:
        """What is known of it."""
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
        """Of each block by itself: a run that goes on in the next one is told as two."""
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
