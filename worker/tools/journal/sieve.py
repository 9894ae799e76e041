"""Finds out which events of a partition are asked about, in a first reading that keeps hardly anything.

A second reading then collects all about those few events: not all events of a week need to fit into memory.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from worker.journal.entries import NOBODYS, EntryKey, Finished, Intent, Released, decode, decode_key, is_claim
from worker.model.outcomes import Failed, ReasonCode
from worker.model.records import Record


class Sieve(Protocol):
    """Is shown every record of a partition, in order; `events` are those that are asked about."""

    def show(self, record: Record) -> None: ...
    @property
    def events(self) -> Collection[UUID]: ...


@dataclass(slots=True)
class Latest:
    """The events whose last entries are the latest, at most `at_most`."""

    at_most: int
    _seen: OrderedDict[UUID, None] = field(default_factory=OrderedDict)

    def show(self, record: Record) -> None:
        if (key := _key(record)) is not None:
            self._seen[key.event] = None
            self._seen.move_to_end(key.event)
            if len(self._seen) > self.at_most:
                self._seen.popitem(last=False)

    @property
    def events(self) -> Collection[UUID]:
        return self._seen.keys()


@dataclass(slots=True)
class Doubtful:
    """The events that may have a record in doubt; the second reading tells whether one is."""

    _open: dict[tuple[UUID, int], set[str]] = field(default_factory=dict)
    _doubted: set[UUID] = field(default_factory=set)

    def show(self, record: Record) -> None:
        key = _key(record)
        if key is None:
            return
        match decode(record.value or b"", record.headers):
            case Intent(evidence=evidence):
                self._open.setdefault((key.event, key.offset), set()).add(key.writer)
            case Released():
                self._close(key)
                return
            case Finished(outcome, evidence=evidence):
                self._close(key)
                if isinstance(outcome, Failed) and outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN:
                    self._doubted.add(key.event)
        if evidence.exists:
            self._doubted.add(key.event)

    def _close(self, key: EntryKey) -> None:
        if writers := self._open.get((key.event, key.offset)):
            writers.discard(key.writer)
            if not writers:
                del self._open[key.event, key.offset]

    @property
    def events(self) -> Collection[UUID]:
        return self._doubted | {event for event, _ in self._open}


def _key(record: Record) -> EntryKey | None:
    """The entry's key; None where the record is about no event. ValueError where it is no entry of this journal."""
    if record.value is None or is_claim(record.key):
        return None
    key = decode_key(record.key or b"")
    return None if key.event == NOBODYS else key
