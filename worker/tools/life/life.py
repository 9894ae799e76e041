"""What is known of one event: its records, the journal's entries about each, and what was published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from worker.events.results import FAILED
from worker.events.results_read import numbers_of
from worker.journal.known import KnownRecord
from worker.tools.journal.view import Line, Partition
from worker.tools.reading.place import Place

UNKNOWN: Final = "unknown"
NOT_CREATED: Final = "not_created"
CERTAIN: Final = ("created", "confirmed", UNKNOWN, NOT_CREATED)
"""What a partition of the journal may conclude of the customer, in the order in which it counts."""
LISTED: Final = 200
"""Records that are told one by one: a producer may give all its events the same id."""


@dataclass(frozen=True, slots=True)
class Published:
    """A result event, its place, and when it was written (milliseconds since the epoch)."""

    request: Place
    topic: str
    place: Place
    time: int
    type: str
    told: Mapping[str, Any]

    @property
    def letter(self) -> Place | None:
        """The dead letter that a failed event names."""
        return Place(*numbers_of(self.told["deadLetter"])) if self.type == FAILED else None


@dataclass(slots=True)
class Life:
    """An event's life. Places are in the request topic; times are milliseconds since the epoch.

    `customer` is what the journal concludes, None where it knows nothing. `written` is when each listed record was
    written, None where it is gone. `unsearched` are the result topics that were not read to their end: a missing result
    may be there.
    """

    customer: str | None = None
    records: dict[Place, KnownRecord] = field(default_factory=dict)
    entries: list[tuple[Place, Line]] = field(default_factory=list)
    written: dict[Place, int | None] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    unsearched: list[str] = field(default_factory=list)

    def take(self, partition: Partition, event: UUID) -> None:
        """Add what a partition of the journal knows of the event.

        Each knows its own records alone: that there is a customer counts more than that one of them knows of none.
        """
        self.customer = min(partition.event(event)["customer"], self.customer or NOT_CREATED, key=CERTAIN.index)
        known = partition.journal.known(event)
        self.records |= {Place(partition.number, offset): each for offset, each in known.records.items()}
        self.entries += [(Place(partition.number, line.key.offset), line) for line in partition.lines]

    @property
    def exists(self) -> bool:
        """Whether the API said that it made the customer, and nobody knows under which id."""
        return self.customer == UNKNOWN and any(each.evidence.exists for each in self.records.values())

    @property
    def since(self) -> int | None:
        """The earliest time at which anything is known of the event; None where there is none."""
        times = [time for time in self.written.values() if time is not None]
        return min([*times, *(line.time for _, line in self.entries)], default=None)

    @property
    def listed(self) -> list[Place]:
        """The records in their order; of very many the first and the last ones."""
        places = sorted(self.records)
        more = max(0, len(places) - LISTED)
        return places[: LISTED // 2] + places[LISTED // 2 + more :]

    @property
    def unpublished(self) -> set[Place]:
        """The records whose result was not found."""
        return set(self.records) - {each.request for each in self.published}
