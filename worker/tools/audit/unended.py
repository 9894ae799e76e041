"""Committed requests that have no end: how many there are, and how old the oldest is."""

from dataclasses import dataclass, field
from typing import Final

from worker.tools.reading.place import Place

ROOM: Final = 10_000


@dataclass(slots=True)
class Unended:
    """The first `room` requests are kept one by one, and leave when their end comes after all.

    Others are only counted.
    """

    room: int = ROOM
    since: dict[Place, int] = field(default_factory=dict)
    beyond: int = 0

    def __len__(self) -> int:
        return len(self.since) + self.beyond

    def add(self, place: Place, timestamp: int) -> None:
        """Add a request; `timestamp` is its record's, in milliseconds."""
        if len(self.since) < self.room:
            self.since[place] = timestamp
        else:
            self.beyond += 1

    def take(self, others: "Unended") -> None:
        """Add those of another."""
        for place, timestamp in others.since.items():
            self.add(place, timestamp)
        self.beyond += others.beyond

    def ended(self, place: Place) -> None:
        """Take a request out that has an end now."""
        self.since.pop(place, None)

    def oldest(self) -> int | None:
        """The lowest timestamp; None without any request."""
        return min(self.since.values(), default=None)
