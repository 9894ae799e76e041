"""Many values by number, in the order of their age: the oldest are looked at and dropped first."""

from collections import deque
from collections.abc import Iterator
from itertools import chain, islice
from typing import Generic, TypeVar

V = TypeVar("V")

# Two thirds of 2**15: what the largest dict with two-byte indexes holds without growing.
PAGE = 21_845
# About so many pages hold all values: a number that is new is looked for in each of them.
FEW = 8


class ByAge(Generic[V]):
    """Values by number, in the order in which they were last put; looking at the oldest is always fast.

    A single dict would keep a hole wherever a value was put again or dropped, walk over the holes at each look at its
    first value, and double its memory when it is full. Here each page is a dict that is filled once, and then only
    emptied. For more values the pages are made larger, and not more: a missing number is noticed after a few looks.
    """

    def __init__(self, page: int = PAGE) -> None:
        self._pages: deque[dict[int, V]] = deque()
        self._page = page
        self._room = 0

    def __len__(self) -> int:
        return sum(map(len, self._pages))

    def __iter__(self) -> Iterator[int]:
        """Oldest first."""
        return chain.from_iterable(self._pages)

    def values(self) -> Iterator[V]:
        """Oldest first."""
        return chain.from_iterable(page.values() for page in self._pages)

    def get(self, number: int) -> V | None:
        """The number's value; None where there is none."""
        for page in reversed(self._pages):
            if number in page:
                return page[number]
        return None

    def pop(self, number: int) -> V | None:
        """Remove the number and return its value; None where there is none."""
        for page in reversed(self._pages):
            if number in page:
                value = page.pop(number)
                if not page and page is not self._pages[-1]:
                    self._pages.remove(page)
                return value
        return None

    def put(self, number: int, value: V) -> None:
        """Add the value as the youngest; its number must not be there (`pop` it first)."""
        if not self._room:
            self._room = self._next_page()
            if self._pages and not self._pages[-1]:
                self._pages.pop()
            self._pages.append({})
        self._pages[-1][number] = value
        self._room -= 1

    def _next_page(self) -> int:
        """How many values the next page takes: the size of a page, doubled until FEW of them hold all values."""
        room = self._page
        while room * FEW < len(self):
            room *= 2
        return room

    def drop(self, count: int) -> None:
        """Remove the `count` oldest values; the memory of a page that is empty is given back."""
        while self._pages and count >= len(self._pages[0]):
            count -= len(self._pages.popleft())
        if self._pages:
            for number in list(islice(self._pages[0], count)):
                del self._pages[0][number]
        else:
            self._room = 0
