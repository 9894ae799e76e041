"""Requests with their ends as the worker tells them, and among them so many faults of each kind that an audit finds."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from worker.events.results import Results
from worker.model.commands import Request
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import OutgoingMessage, Position, Record
from worker.tools.audit import found as kinds
from worker.tools.audit.found import Found
from worker.tools.reading.place import Place
from worker.topics import Plan

PARTITIONS: Final = 6
FAILS: Final = 50
"""One in so many fails, and is dead-lettered."""
KINDS: Final = (
    kinds.UNENDED,
    kinds.TWO_ENDS,
    kinds.EVENT_MISSING,
    kinds.LETTER_MISSING,
    kinds.TWO_CUSTOMERS,
    kinds.MISTAKEN,
)
APART: Final = 10
"""Numbers from one fault to the next one, at least: each has a request that is well beside it."""
NOWHERE: Final = 1 << 40
BODY = b'{"type":{"value":"individual"},"contactPersons":{"contactPerson":[{"firstName":"Jack"}]}}'
PARKED = Failed(Reason(ReasonCode.REJECTED, "the API rejected the customer: 400 (400-101)"), 1)

Told = tuple[str, frozenset[str]]
"""A kind, and the places that it is about: a duplicate is about two, in whichever order they are read."""


@dataclass
class Planting:
    """So many requests over the partitions, one after the other, with so many faults of each kind."""

    plan: Plan
    count: int
    faults: int = 0
    _letters: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    _results: Results = field(init=False)

    def __post_init__(self) -> None:
        if self.count < APART * self.faults * len(KINDS):
            raise ValueError(f"{self.faults} faults of each kind take {APART * self.faults * len(KINDS)} records")
        plan = self.plan
        self._results = Results("bench", plan.succeeded, plan.failed, plan.dead_letters, "bench")

    @property
    def ends(self) -> dict[int, int]:
        """By partition the offset behind its last request."""
        return {number: len(range(number, self.count, PARTITIONS)) for number in range(PARTITIONS)}

    def kinds(self) -> dict[int, str]:
        """By the number of its request the kind of each fault, spread evenly."""
        every = self.faults * len(KINDS)
        # Never a number of those that fail, nor behind one: what is planted is the only thing wrong with it.
        return {_well((2 * i + 1) * self.count // (2 * every)): KINDS[i % len(KINDS)] for i in range(every)}

    def expected(self) -> set[Told]:
        """What has to be found, and nothing else."""
        return {
            (kind, frozenset({_text(number)} | ({_text(number - 1)} if kind in KINDS[4:] else set())))
            for number, kind in self.kinds().items()
        }

    def messages(self) -> Iterator[OutgoingMessage]:
        """Each request, and what is told of it."""
        planted = self.kinds()
        for number in range(self.count):
            yield OutgoingMessage(self.plan.requests, b"k%d" % number, BODY, partition=number % PARTITIONS)
            yield from self._told(number, planted.get(number))

    def _told(self, number: int, kind: str | None) -> Iterator[OutgoingMessage]:
        match kind:
            case kinds.UNENDED:
                return
            case kinds.TWO_ENDS:
                yield self._succeeded(number)
                yield from self._failed(number)
            case kinds.EVENT_MISSING:
                yield self._succeeded(number)
                yield self._letter(number)
            case kinds.LETTER_MISSING:
                yield self._lost(number)
            case kinds.TWO_CUSTOMERS:
                yield self._succeeded(number, event=number - 1)
            case kinds.MISTAKEN:
                yield self._succeeded(number, event=number - 1, confirmed=True)
            case _ if number % FAILS == 0:
                yield from self._failed(number)
            case _:
                yield self._succeeded(number)

    def _record(self, number: int) -> tuple[Record, Request]:
        partition, offset = _place(number)
        record = Record(self.plan.requests, partition, offset, 0, b"k%d" % number, BODY)
        return record, Request("urn:crm", str(number))

    def _succeeded(self, number: int, event: int | None = None, *, confirmed: bool = False) -> OutgoingMessage:
        record, asked = self._record(number)
        ended = Succeeded(str(number), f"/system/ws/v12/interaction/customer/{number}", "individual", 1)
        asked = asked if event is None else Request("urn:crm", str(event))
        return self._results.succeeded(replace(ended, resolution="confirmed") if confirmed else ended, record, asked)

    def _letter(self, number: int) -> OutgoingMessage:
        self._letters[number % PARTITIONS] += 1
        return self._results.dead_letter(PARKED, *self._record(number), time.time())

    def _failed(self, number: int) -> Iterator[OutgoingMessage]:
        partition = number % PARTITIONS
        at = Position(self.plan.dead_letters, partition, self._letters[partition])
        yield self._letter(number)
        yield self._results.failed(PARKED, *self._record(number), at)

    def _lost(self, number: int) -> OutgoingMessage:
        """It names a dead letter that is not there, or one of another request."""
        partition = number % PARTITIONS
        others = self._letters[partition] - 1
        at = others if number % 2 and others >= 0 else NOWHERE
        return self._results.failed(PARKED, *self._record(number), Position(self.plan.dead_letters, partition, at))


def told(found: Found) -> Iterator[Told]:
    """A finding as what is expected: one for each request of its run."""
    for offset in range(found.first, found.end):
        places = {str(Place(found.partition, offset))}
        yield found.kind, frozenset(places | ({str(found.other)} if found.kind in KINDS[4:] else set()))


def _well(number: int) -> int:
    """The next one that succeeds, behind one that does."""
    while not number % FAILS or not (number - 1) % FAILS:
        number += 1
    return number


def _place(number: int) -> Place:
    return Place(number % PARTITIONS, number // PARTITIONS)


def _text(number: int) -> str:
    return str(_place(number))
