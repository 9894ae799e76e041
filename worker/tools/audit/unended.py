"""Committed requests that have no end: how many, and how old the oldest is."""

from dataclasses import dataclass, field
from typing import Final

from worker.tools.reading.place import Place

ROOM: Final = 10_000


@dataclass(slots=True)
class Unended:
    """An end that comes after all takes its request out again, of as many as there is room for."""

    room: int = ROOM
    since: dict[Place, int] = field(default_factory=dict)
    beyond: int = 0

    def __len__(self) -> int:
        return len(self.since) + self.beyond

    def add(self, place: Place, timestamp: int) -> None:
        """`timestamp` is its record's, in milliseconds."""
        if len(self.since) < self.room:
            self.since[place] = timestamp
        else:
            self.beyond += 1

    def take(self, others: "Unended") -> None:
        """Those as well."""
        for place, timestamp in others.since.items():
            self.add(place, timestamp)
        self.beyond += others.beyond

    def ended(self, place: Place) -> None:
        """It has an end now."""
        self.since.pop(place, None)

    def oldest(self) -> int | None:
        """The lowest timestamp; None where there is none."""
        return min(self.since.values(), default=None)
