"""What was asked, what was created, and what is told of it, record by record."""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.soaking.ledger import Ledger
from bench.soaking.stream import expected

from worker.events.results_read import Result

SHOWN: Final = 5
ENDED_WELL, ENDED_BADLY = 1, 2
DUPLICATE, LOST = "created more than once", "have no end"


@dataclass(slots=True)
class Partition:
    """By offset the event of each record, and how it is told."""

    events: "array[int]" = field(default_factory=lambda: array("I"))
    ends: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Books:
    """First every request in its order, then every result in any order; then the findings."""

    ledger: Ledger
    parts: dict[int, Partition] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    again: int = 0
    """Results that were published before."""
    found: dict[str, Counter[str]] = field(default_factory=dict)
    """By kind, the places of what is wrong."""

    def asked(self, partition: int, offset: int, event: int) -> None:
        """A record; those of a partition follow one another."""
        part = self.parts.setdefault(partition, Partition())
        if offset != len(part.events):
            raise ValueError(f"{partition}@{offset} comes after {len(part.events) - 1}")
        part.events.append(event)
        part.ends.append(0)

    def ended(self, result: Result) -> None:
        """A terminal event."""
        part, place = self.parts.get(result.partition), f"{result.partition}@{result.offset}"
        if part is None or result.offset >= len(part.events):
            self._wrong("are told and were never asked", place)
            return
        well = not result.failed
        mark, before = ENDED_WELL if well else ENDED_BADLY, part.ends[result.offset]
        part.ends[result.offset] = before | mark
        self.again += bool(before & mark)
        if before and not before & mark:
            self._wrong("have two ends", place)
        if not before:
            self.told[result.data["resolution"] if well else result.data["reason"]["code"]] += 1
        self._compared(result, part.events[result.offset], place, well=well)

    def _compared(self, result: Result, event: int, place: str, *, well: bool) -> None:
        if result.id != f"n{event}":
            self._wrong("are told as another event", place)
        elif well and (expected(event) or result.data["customerId"] != self.ledger.customer(event)):
            self._wrong("are told as a customer that is not theirs", place)
        elif not well and result.data["reason"]["code"] != expected(event):
            self._wrong(f"failed as {result.data['reason']['code']} for no reason", place)

    def _wrong(self, kind: str, place: str) -> None:
        self.found.setdefault(kind, Counter())[place] += 1

    @property
    def records(self) -> int:
        """How many were asked."""
        return sum(len(part.events) for part in self.parts.values())

    def closed(self) -> dict[str, list[str]]:
        """Everything that is wrong, by kind, with the places; nothing where the day went well."""
        for place in self._without_end():
            self._wrong(LOST, place)
        for event in {event for part in self.parts.values() for event in part.events}:
            count = self.ledger.count(event)
            if count > 1:
                self._wrong(DUPLICATE, f"event n{event}")
            elif count and expected(event):
                self._wrong("were created and must not be", f"event n{event}")
        return {kind: list(places) for kind, places in self.found.items()}

    def _without_end(self) -> Iterator[str]:
        for number, part in self.parts.items():
            if 0 in part.ends:
                yield from (f"{number}@{offset}" for offset, end in enumerate(part.ends) if not end)


def as_lines(found: dict[str, list[str]]) -> Iterator[str]:
    """For people."""
    for kind, places in found.items():
        more = ", ..." if len(places) > SHOWN else ""
        yield f"{len(places)} {kind}: {', '.join(places[:SHOWN])}{more}"
