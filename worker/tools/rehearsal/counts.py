"""How often each of many things was seen, in bounded room, and where first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar, get_args

from worker.tools.reading.place import Place

MOST: Final = 1_000
"""Names that are told apart; what comes under any further one is counted as of `OTHERS`."""
MOST_SOURCES: Final = 20
OTHERS: Final = "(others)"


End = Literal["create", "repeats", "confirm", "fail", "passed_over"]
"""Sent; recognised as a repeat; confirmed by a person; a dead letter; left to others by the mapping."""
ENDS: Final = get_args(End)


@dataclass(slots=True)
class Ends:
    """How many records of one kind would end how."""

    counts: dict[End, int] = field(default_factory=lambda: dict.fromkeys(ENDS, 0))

    @property
    def records(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def failing(self) -> float:
        """Percent of those that ask this worker for anything."""
        asking = self.records - self.counts["passed_over"]
        return 100 * self.counts["fail"] / asking if asking else 0.0


@dataclass(slots=True)
class Fault:
    """Why records would fail: how many, in how many of which producers', and the place of the first."""

    records: int = 0
    first: Place | None = None
    sources: dict[str, int] = field(default_factory=dict)

    def note(self, place: Place, source: str) -> None:
        """One more record that fails of it."""
        self.records += 1
        self.first = self.first or place
        name = source if source in self.sources or len(self.sources) < MOST_SOURCES else OTHERS
        self.sources[name] = self.sources.get(name, 0) + 1


Counted = TypeVar("Counted", Ends, Fault)
Name = TypeVar("Name", bound=tuple[str, ...] | str | int)


@dataclass(slots=True)
class Counts(Generic[Name, Counted]):
    """By name; from `most` names on all further ones are counted as one, in `others`."""

    make: Callable[[], Counted]
    most: int = MOST
    others: Counted = field(init=False)
    _rows: dict[Name, Counted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.others = self.make()

    def of(self, name: Name) -> Counted:
        """What is counted of it."""
        row = self._rows.get(name)
        if row is None:
            if len(self._rows) >= self.most:
                return self.others
            row = self._rows[name] = self.make()
        return row

    def rows(self) -> list[tuple[Name, Counted]]:
        """The most frequent first; the others are not among them."""
        return sorted(self._rows.items(), key=lambda row: -row[1].records)
