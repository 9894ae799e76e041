"""Which event stands at which offset of the requests, in 24 bytes each: hardly any of them is ever asked for."""

from array import array
from bisect import bisect_left, bisect_right

# The size of a page: at most so many events are moved when one is put between others.
PAGE = 4_096
LOW = (1 << 64) - 1


class _Page:
    """Offsets in their order, and the upper and lower 64 bits of their events' numbers."""

    __slots__ = ("high", "low", "offsets")

    def __init__(self) -> None:
        self.offsets, self.high, self.low = array("q"), array("Q"), array("Q")

    def insert(self, place: int, offset: int, number: int) -> None:
        self.offsets.insert(place, offset)
        self.high.insert(place, number >> 64)
        self.low.insert(place, number & LOW)

    def number(self, place: int) -> int:
        return self.high[place] << 64 | self.low[place]

    def split(self, place: int) -> "_Page":
        """Move what stands from that place on to a new page, and return that."""
        rest = _Page()
        for mine, theirs in zip(self._all(), rest._all(), strict=True):
            theirs.extend(mine[place:])
            del mine[place:]
        return rest

    def _all(self) -> "tuple[array[int], array[int], array[int]]":
        return self.offsets, self.high, self.low


class ByOffset:
    """Numbers of 128 bits by offset. Offsets come nearly in their order, and are dropped from the lowest on."""

    def __init__(self, page: int = PAGE) -> None:
        self._pages: list[_Page] = []
        self._page = page

    def __len__(self) -> int:
        return sum(len(page.offsets) for page in self._pages)

    def get(self, offset: int) -> int | None:
        """The number at that offset; None where there is none."""
        if not (page := self._of(offset)):
            return None
        place = bisect_left(page.offsets, offset)
        return page.number(place) if place < len(page.offsets) and page.offsets[place] == offset else None

    def add(self, offset: int, number: int) -> int:
        """Add the number; return the one that stands at the offset then, since the first one that was added stays."""
        page = self._of(offset) or (self._pages[0] if self._pages else self._another())
        if page is self._pages[-1] and len(page.offsets) >= self._page and offset > page.offsets[-1]:
            page = self._another()
        place = bisect_left(page.offsets, offset)
        if place < len(page.offsets) and page.offsets[place] == offset:
            return page.number(place)
        page.insert(place, offset, number)
        if len(page.offsets) > self._page:
            self._pages.insert(self._pages.index(page) + 1, page.split(len(page.offsets) // 2))
        return number

    def drop(self, below: int) -> None:
        """Remove all offsets below that one."""
        gone = bisect_left(self._pages, below, key=lambda page: page.offsets[-1])
        del self._pages[:gone]
        if self._pages and self._pages[0].offsets[0] < below:
            first = self._pages[0]
            self._pages[0] = first.split(bisect_left(first.offsets, below))

    def _of(self, offset: int) -> _Page | None:
        """The last page that begins with that offset or a lower one; nearly always it is the last of all."""
        if self._pages and self._pages[-1].offsets[0] <= offset:
            return self._pages[-1]
        found = bisect_right(self._pages, offset, key=lambda page: page.offsets[0])
        return self._pages[found - 1] if found else None

    def _another(self) -> _Page:
        self._pages.append(_Page())
        return self._pages[-1]
