"""Faults of the journal's protocol: what is written, read, and believed of it."""

import asyncio
from typing import Any
from uuid import UUID

from simulation.story import Act
from worker.journal import claim as claiming
from worker.journal.claim import Claims
from worker.journal.entries import Claim, Entry, Finished, Intent
from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.known import KnownRecord, is_unknown
from worker.journal.lease import Lease, Moment
from worker.journal.recall import CreatedBefore, Fresh
from worker.model.errors import Fenced, LogStartMoved
from worker.partition import assignment as assigning
from worker.partition.assignment import Assignment

from .mutant import INTERRUPTED, UNANSWERED, Mutant

_write, _note, _recall = Assignment.write, KnownRecord.note, PartitionJournal.recall


def _without_a_gap(self: Fence, offset: int) -> None:
    self.last = max(self.last, offset)


async def _not_settled(*_: Any) -> None:
    """A look-up begins at once."""


def _not_awaited(kind: type[Entry]) -> Any:
    async def write(self: Assignment, event: UUID, offset: int, entry: Entry) -> Lease:
        if not isinstance(entry, kind):
            return await _write(self, event, offset, entry)
        task = asyncio.ensure_future(_write(self, event, offset, entry))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return Lease(self.clock(), self.terms.intent_ttl)

    return write


async def _leased_from_the_ack(self: Assignment, event: UUID, offset: int, entry: Entry) -> Lease:
    await _write(self, event, offset, entry)
    return Lease(self.clock(), self.terms.intent_ttl)


async def _not_fenced_at_the_end(self: Assignment, event: UUID, offset: int, entry: Entry) -> Lease:
    try:
        return await _write(self, event, offset, entry)
    except Fenced:
        if isinstance(entry, Finished):
            return Lease(self.clock(), self.terms.intent_ttl)
        raise


def _own_doubt_is_none(self: KnownRecord) -> bool:
    return self.created is None and (self.unknown or self.evidence.exists)


def _last_finish_wins(self: KnownRecord, writer: str, entry: Entry, *, counts: bool) -> None:
    _note(self, writer, entry, counts=counts)
    if isinstance(entry, Finished) and counts:
        self.outcome = entry.outcome


def _every_finish_counts(self: KnownRecord, writer: str, entry: Entry, *, counts: bool) -> None:
    del counts
    _note(self, writer, entry, counts=True)


def _no_evidence(self: KnownRecord, writer: str, entry: Entry, *, counts: bool) -> None:
    if counts or not isinstance(entry, Finished):
        _note(self, writer, entry, counts=counts)


def _parked_is_over(self: KnownRecord, writer: str, entry: Entry, *, counts: bool) -> None:
    _note(self, writer, entry, counts=counts)
    if isinstance(entry, Finished) and is_unknown(entry.outcome):
        self.unknown = False


def _repeats_are_fresh(self: PartitionJournal, event: UUID, offset: int, **given: Any) -> Any:
    known = _recall(self, event, offset, **given)
    return Fresh() if isinstance(known, CreatedBefore) else known


def _attempts_forgotten(self: PartitionJournal, event: UUID, offset: int, **given: Any) -> Any:
    known = _recall(self, event, offset, **given)
    return Fresh() if isinstance(known, Fresh) else known


def _all_forgotten(self: PartitionJournal, **_: Any) -> None:
    self._events.drop(len(self._events))


async def _read_before_the_claim(self: Claims, partition: int, committed: int | None) -> Any:
    reading = claiming.Reading(committed, self.terms)
    try:
        await self.log.read(partition, None, None, reading.take)
    except LogStartMoved:
        return await _read_before_the_claim(self, partition, committed)
    return self._ours(partition, await self._write(partition), reading.journal)


_SLOW = {"look_up": "custom_attribute", "in_flight": 1, "latency": 2.0}

MUTANTS = {
    "no-lease": Mutant(
        "a call may start however old its intent is",
        [(Lease, "is_over", lambda *_: False)],
        (Act.FREEZE, Act.SUSPEND),
        _SLOW,
    ),
    "lease-on-the-wall-clock": Mutant(
        "a lease counts on a clock that can be set back",
        [(Moment, "since", lambda self, earlier: self.wall - earlier.wall)],
        (Act.FREEZE, Act.SUSPEND),
        _SLOW,
    ),
    "lease-from-the-ack": Mutant(
        "a lease begins when the intent is acknowledged, which a frozen process hears when it thaws",
        [(Assignment, "write", _leased_from_the_ack)],
        (Act.FREEZE, Act.SUSPEND, Act.KAFKA_SLOW),
        {**_SLOW, "in_flight": 4},
    ),
    "gap-not-looked-at": Mutant(
        "entries of others between our own mean nothing",
        [(Fence, "acknowledged", _without_a_gap)],
        INTERRUPTED,
    ),
    "fence-not-asked": Mutant(
        "who was fenced goes on until the group takes the partition",
        [(Assignment, "fenced", property(lambda self: self.given_up))],
        INTERRUPTED,
    ),
    "fence-not-asked-at-the-end": Mutant(
        "who was fenced publishes the outcome all the same",
        [(Assignment, "write", _not_fenced_at_the_end)],
        (Act.FREEZE,),
        {"workers": 2, "look_up": "none", "latency": 1.0, "in_flight": 16, "pause": 0.1, "session": 10},
    ),
    "journal-not-read": Mutant(
        "a claim does not read what stands before it",
        [(claiming, "apply", lambda *_: None)],
        INTERRUPTED,
    ),
    "read-before-the-claim": Mutant(
        "what was written between the reading and the claim is not known",
        [(Claims, "_looked", _read_before_the_claim)],
        (Act.CUT_OFF, Act.KAFKA_SLOW),
        {"workers": 2, "look_up": "none", "pause": 0.5, "keys": 60, "session": 10, "ahead": 10_000},
    ),
    "one-writer": Mutant(
        "all writers have one name, so that one overwrites the other's entries",
        [(claiming, "Claim", lambda _, **given: Claim("0" * 12, **given))],
        (*INTERRUPTED, Act.COMPACTED),
    ),
    "intent-not-awaited": Mutant(
        "a call begins before its intent is stored",
        [(Assignment, "write", _not_awaited(Intent))],
        (Act.KILL, Act.KAFKA_SLOW, Act.KAFKA_FROZEN, Act.LEADER_LOST),
    ),
    "finish-not-awaited": Mutant(
        "an outcome is published before it is in the journal",
        [(Assignment, "write", _not_awaited(Finished))],
        (Act.KILL, Act.KAFKA_SLOW, Act.KAFKA_FROZEN, Act.LEADER_LOST),
    ),
    "look-up-at-once": Mutant(
        "a doubt is looked up before the call can have ended",
        [(Assignment, "wait_until", _not_settled)],
        (Act.API_LATE, Act.KILL),
    ),
    "an-open-intent-is-no-doubt": Mutant(
        "what was begun and not finished is begun again",
        [(KnownRecord, "in_doubt", _own_doubt_is_none)],
        (*UNANSWERED, Act.FREEZE),
    ),
    "a-parked-doubt-is-over": Mutant(
        "who was told that nobody knows may be sent again",
        [(KnownRecord, "note", _parked_is_over)],
        (Act.API_LOST, Act.REPEAT, Act.RETRIED),
        {"look_up": "none"},
    ),
    "last-finish-wins": Mutant(
        "a later end of a record takes the place of the first",
        [(KnownRecord, "note", _last_finish_wins)],
        INTERRUPTED,
    ),
    "every-finish-counts": Mutant(
        "the end that a fenced worker writes is the record's end",
        [(KnownRecord, "note", _every_finish_counts)],
        INTERRUPTED,
    ),
    "evidence-not-believed": Mutant(
        "what a fenced worker has made is not known",
        [(KnownRecord, "note", _no_evidence)],
        (*INTERRUPTED, Act.REPEAT),
    ),
    "repeats-are-sent": Mutant(
        "an event whose customer is known is sent again",
        [(PartitionJournal, "recall", _repeats_are_fresh)],
        (Act.REPEAT, Act.RETRIED),
    ),
    "attempts-forgotten": Mutant(
        "whoever comes next counts attempts from the beginning",
        [(PartitionJournal, "recall", _attempts_forgotten)],
        (Act.KILL, Act.STOP, Act.API_STATUS),
    ),
    "places-not-known": Mutant(
        "a record that is another event now may get a second end",
        [(PartitionJournal, "_at", lambda *_: ())],
        (Act.RESET, Act.KILL, Act.API_LOST),
    ),
    "forgotten-with-the-topic": Mutant(
        "what a process knows is forgotten where the journal was deleted and made again",
        [(PartitionJournal, "remember", lambda *_: None)],
        (Act.JOURNAL_ANEW, Act.REPEAT),
        {"workers": 1},
    ),
    "uncommitted-forgotten": Mutant(
        "what is not committed is forgotten as well",
        [(PartitionJournal, "forget", _all_forgotten)],
        (Act.KILL, Act.STOP, Act.REPEAT),
    ),
    "exists-not-written": Mutant(
        "that a customer exists is no part of its entries",
        [(assigning, "encode_headers", lambda _: ())],
        (Act.API_HIDDEN, Act.KILL, Act.STOP),
        {"look_up": "custom_attribute"},
    ),
}
