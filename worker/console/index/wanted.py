"""The filter of a page's letters, as it stands in the address."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from worker.console.index.causes import Causes
from worker.console.index.shelf import Row


def event_hash(event_id: str) -> int:
    """A 64-bit hash of the id: another id may have the same one, so whoever must be sure reads the letter."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(errors="replace"), digest_size=8).digest(), "little")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter, of which all conditions must hold; times are milliseconds since the epoch, `causes` are names.

    `doubts`: only letters whose customer may exist, whatever their reason.
    """

    reasons: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    causes: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None
    partition: int | None = None
    event_id: str | None = None
    doubts: bool = False

    @property
    def is_all(self) -> bool:
        """Whether the filter excludes nothing."""
        return self == Wanted()

    def narrowed(self, causes: Causes) -> "Narrowed":
        """The filter in the terms of the index."""
        by_cause = self.reasons or self.statuses or self.causes or self.doubts
        named = self.reasons, self.statuses, self.causes
        numbers = causes.numbers(*named, doubts=self.doubts) if by_cause else None
        return Narrowed(numbers, self.since, self.until, event_hash(self.event_id) if self.event_id else None)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a row is compared with; None means no condition."""

    causes: frozenset[int] | None
    since: int | None
    until: int | None
    event: int | None

    def fits(self, row: Row) -> bool:
        """Whether the row fits."""
        return (
            (self.causes is None or row.cause in self.causes)
            and (self.since is None or row.timestamp >= self.since)
            and (self.until is None or row.timestamp < self.until)
            and (self.event is None or row.event == self.event)
        )


Ends = Mapping[int, int]
