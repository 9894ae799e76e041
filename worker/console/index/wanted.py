"""Which letters a page is about: the filter that stands in its address."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from worker.console.index.causes import Causes
from worker.console.index.shelf import Row


def event_hash(event_id: str) -> int:
    """Of one event id in 2**64 another one is taken for it: whoever must be sure reads the letter."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(errors="replace"), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that is given must hold; times are milliseconds since the epoch, `causes` names of causes."""

    reasons: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    causes: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None
    partition: int | None = None
    event_id: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether it excludes nothing."""
        return self == Wanted()

    def narrowed(self, causes: Causes) -> "Narrowed":
        """The same in the index's own terms."""
        by_cause = self.reasons or self.statuses or self.causes
        numbers = causes.numbers(self.reasons, self.statuses, self.causes) if by_cause else None
        return Narrowed(numbers, self.since, self.until, event_hash(self.event_id) if self.event_id else None)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a row is compared with; None excludes nothing."""

    causes: frozenset[int] | None
    since: int | None
    until: int | None
    event: int | None

    def fits(self, row: Row) -> bool:
        """Whether it is meant."""
        return (
            (self.causes is None or row.cause in self.causes)
            and (self.since is None or row.timestamp >= self.since)
            and (self.until is None or row.timestamp < self.until)
            and (self.event is None or row.event == self.event)
        )


Ends = Mapping[int, int]
