"""Faults between poll and commit: offsets, slots, locks, lanes, drains, ownership."""

import asyncio
from dataclasses import replace
from typing import Any

from simulation.story import Act
from worker.intake import beginnings
from worker.intake.beginnings import Bearings, Begins, Lost
from worker.intake.dispatch import Dispatch
from worker.intake.lanes import Lane, Lanes
from worker.intake.ownership import Ownership
from worker.intake.running import Running
from worker.model.records import Record
from worker.partition import slots as slotting
from worker.partition.assignment import Assignment
from worker.partition.drain import Drain
from worker.partition.locks import EventLock, EventLocks
from worker.partition.offsets import Offsets
from worker.partition.slots import Slots

from .mutant import INTERRUPTED, Mutant

_committable, _give, _admit, _end, _place = (
    Offsets.committable,
    Slots.give,
    Dispatch.admit,
    Running.end,
    beginnings.place,
)


def _one_too_far(self: Offsets) -> int | None:
    found = _committable(self)
    return None if found is None else found + (self.oldest is not None)


def _in_any_order(self: Offsets, offset: int) -> None:
    self._started.remove(offset)
    self._committable = max(self._committable or 0, offset + 1)


def _over_what_is_at_work(self: Offsets) -> None:
    if (self._committable or 0) < self._passed:
        self._committable = self._passed


def _wakes_nobody(self: Slots) -> None:
    on_free, self._on_free = self._on_free, lambda: None
    _give(self)
    self._on_free = on_free


async def _kept_on_drain(self: Slots, awaited: asyncio.Future[None], drain: Drain) -> None:
    self.give()
    try:
        await self.take_after(awaited, drain)
    except BaseException:
        self._free -= 1
        raise


def _kept_now_and_then(self: Running) -> None:
    if self.record.offset % 7 == 3:
        self._go_on()
    else:
        _end(self)


def _handed_to_nobody(self: EventLocks, event: Any) -> None:
    del self._waiting[event]


async def _no_lock(*_: Any) -> None:
    """Whoever comes goes on."""


def _each_alone(self: Dispatch, record: Record) -> None:
    _admit(self, replace(record, key=b"%d" % record.offset))


def _newest_first(self: Lanes) -> tuple[Lane, Record]:
    lane = self.waiting.popleft()
    record = self.queues[lane].pop()
    self.queued_bytes -= len(record.value or b"") + len(record.key or b"") + 600
    return lane, record


async def _not_drained(*_: Any) -> bool:
    return True


def _left_alone(_: Ownership) -> None:
    """Nobody looks after it."""


def _begins_at_the_end(bearings: Bearings, *given: Any) -> Any:
    found = _place(bearings, *given)
    return Begins("latest", bearings.end) if isinstance(found, Lost) else found


async def _told_to_nobody(*_: Any) -> None:
    """What was deleted is not written down."""


MUTANTS = {
    "committable-off-by-one": Mutant(
        "the offset of a record that is not finished is committed",
        [(Offsets, "committable", _one_too_far)],
        (Act.KILL, Act.API_LATE, Act.API_AWAY),
    ),
    "committed-in-any-order": Mutant(
        "a finished record is committed although one before it is at work",
        [(Offsets, "finish", _in_any_order)],
        (Act.KILL, Act.API_LATE, Act.API_AWAY),
    ),
    "passed-over-work": Mutant(
        "markers behind a record at work are committed",
        [(Offsets, "_pass", _over_what_is_at_work)],
        (Act.COMMITTED, Act.ABORTED),
    ),
    "slot-kept": Mutant(
        "who waits while a partition drains keeps its slot",
        [(Slots, "without", _kept_on_drain)],
        (Act.STOP, Act.API_AWAY, Act.API_STATUS, Act.FREEZE, Act.MORE),
    ),
    "slot-not-given-back": Mutant(
        "some records end with their slot",
        [(Running, "end", _kept_now_and_then)],
        (Act.API_LATE,),
    ),
    "slot-of-who-drained": Mutant(
        "a slot that was given to somebody who drains meanwhile is nobody's",
        [(slotting, "_was_given", lambda _: False)],
        (Act.API_STATUS, Act.MORE, Act.LESS, Act.STOP),
        {"in_flight": 1},
    ),
    "lost-wake-up": Mutant(
        "a free slot is told to nobody",
        [(Slots, "give", _wakes_nobody)],
        (Act.API_AWAY, Act.API_STATUS),
    ),
    "lock-not-handed-on": Mutant(
        "who waits for a record of the same event is told by nobody",
        [(EventLocks, "release", _handed_to_nobody)],
        (Act.RETRIED, Act.API_LATE),
    ),
    "events-not-locked": Mutant(
        "records of one event are worked on at once",
        [(EventLock, "__aenter__", _no_lock), (EventLock, "__aexit__", _no_lock)],
        (Act.RETRIED, Act.KAFKA_SLOW),
    ),
    "keys-ignored": Mutant(
        "records of one key are handled at once",
        [(Dispatch, "admit", _each_alone)],
        (Act.API_LATE, Act.KAFKA_CUT),
    ),
    "newest-first": Mutant(
        "of a key the record that came last begins first",
        [(Lanes, "begin", _newest_first)],
        (Act.API_LATE, Act.API_AWAY),
    ),
    "not-drained": Mutant(
        "partitions are given up while calls of theirs are on their way",
        [(Dispatch, "drain", _not_drained)],
        (Act.STOP, Act.MORE, Act.LESS),
    ),
    "fenced-for-good": Mutant(
        "a partition in whose journal others wrote is not claimed anew",
        [(Ownership, "claim_fenced", _left_alone)],
        INTERRUPTED,
    ),
    "astray-for-good": Mutant(
        "where a log has lost its place nobody looks for another",
        [(Ownership, "find_places", _left_alone)],
        (Act.DELETED, Act.API_AWAY),
        {"ahead": 3},
    ),
    "lost-place-guessed": Mutant(
        "a group whose offset is gone goes on at the log's end",
        [(beginnings, "place", _begins_at_the_end)],
        (Act.OFFSETS_GONE,),
    ),
    "deleted-unread-not-told": Mutant(
        "what was deleted before it was read is told to nobody",
        [(Assignment, "tell", _told_to_nobody)],
        (Act.DELETED, Act.API_AWAY, Act.STOP),
        {"ahead": 3},
    ),
}
