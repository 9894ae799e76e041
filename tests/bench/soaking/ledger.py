"""What the API really created, by event: a file that its process writes and the verdict reads."""

import mmap
from pathlib import Path
from typing import Self

MOST = 255


class Ledger:
    """Of each event how often it was created, and its first customer."""

    def __init__(self, page: mmap.mmap, events: int) -> None:
        self._counts = memoryview(page)[:events]
        self._customers = memoryview(page)[_padded(events) :].cast("Q")

    @classmethod
    def made(cls, file: Path, events: int) -> Self:
        """A new one, empty."""
        with file.open("wb") as opened:
            opened.truncate(_padded(events) + 8 * events)
        return cls.opened(file, events)

    @classmethod
    def opened(cls, file: Path, events: int) -> Self:
        """One that is shared with whoever made it."""
        with file.open("r+b") as opened:
            return cls(mmap.mmap(opened.fileno(), 0), events)

    def create(self, event: int, customer: int) -> None:
        """One more customer of that event."""
        if not self._counts[event]:
            self._customers[event] = customer
        self._counts[event] = min(self._counts[event] + 1, MOST)

    def count(self, event: int) -> int:
        """How many customers it has."""
        return self._counts[event]

    def customer(self, event: int) -> str | None:
        """Its first one's id."""
        return str(self._customers[event]) if self._counts[event] else None


def _padded(events: int) -> int:
    return -(-events // 8) * 8
