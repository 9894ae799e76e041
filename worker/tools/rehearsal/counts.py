"""Counts many things by name in bounded memory, with the place where each was first seen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar, get_args

from worker.tools.reading.place import Place

MOST: Final = 1_000
"""So many names are counted separately; all further ones count as `OTHERS`."""
MOST_SOURCES: Final = 20
OTHERS: Final = "(others)"


End = Literal["create", "repeats", "confirm", "fail", "passed_over"]
"""How a record would end: sent; recognised as a repeat; confirmed; a dead letter; passed over by the mapping."""
ENDS: Final = get_args(End)


@dataclass(slots=True)
class Ends:
    """How many records of one kind would end in which way."""

    counts: dict[End, int] = field(default_factory=lambda: dict.fromkeys(ENDS, 0))

    @property
    def records(self) -> int:
        """How many records there are in all."""
        return sum(self.counts.values())

    @property
    def failing(self) -> float:
        """The percentage of failures among the records that are not passed over."""
        asking = self.records - self.counts["passed_over"]
        return 100 * self.counts["fail"] / asking if asking else 0.0


@dataclass(slots=True)
class Fault:
    """One reason to fail: how many records have it, from which producers, and the place of the first one."""

    records: int = 0
    first: Place | None = None
    sources: dict[str, int] = field(default_factory=dict)

    def note(self, place: Place, source: str) -> None:
        """Count one more record that fails for this reason."""
        self.records += 1
        self.first = self.first or place
        name = source if source in self.sources or len(self.sources) < MOST_SOURCES else OTHERS
        self.sources[name] = self.sources.get(name, 0) + 1


Counted = TypeVar("Counted", Ends, Fault)
Name = TypeVar("Name", bound=tuple[str, ...] | str | int)


@dataclass(slots=True)
class Counts(Generic[Name, Counted]):
    """Counts by name; after `most` names all further ones are counted together, in `others`."""

    make: Callable[[], Counted]
    most: int = MOST
    others: Counted = field(init=False)
    _rows: dict[Name, Counted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.others = self.make()

    def of(self, name: Name) -> Counted:
        """The counts of that name."""
        row = self._rows.get(name)
        if row is None:
            if len(self._rows) >= self.most:
                return self.others
            row = self._rows[name] = self.make()
        return row

    def rows(self) -> list[tuple[Name, Counted]]:
        """The counts by name, the most frequent first; `others` is not among them."""
        return sorted(self._rows.items(), key=lambda row: -row[1].records)
