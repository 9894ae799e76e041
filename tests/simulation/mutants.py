"""Faults put back into the running worker, each with what happens in the stories that find it."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from aiokafka import AIOKafkaConsumer

from worker.creation.attempt import Attempt, Doubt, NotMade
from worker.creation.creation import _Course
from worker.creation.reconcile import Reconciliation
from worker.intake.dispatch import Dispatch
from worker.journal.fence import Fence
from worker.journal.lease import Lease, Moment
from worker.kafka.publisher import Publisher
from worker.kafka.reading import Reading
from worker.kafka.source import RecordSource
from worker.model.errors import ApiUnavailable, Flooded
from worker.model.outcomes import Succeeded
from worker.model.records import OutgoingMessage, Position, Record
from worker.partition.assignment import Assignment
from worker.partition.drain import Drain
from worker.partition.offsets import Offsets
from worker.partition.slots import Slots

from .run import attempt, quiet, tell
from .story import Act, Story, drawn, read


@dataclass(frozen=True, slots=True)
class Mutant:
    """`put` are attributes and what stands in their place; `acts` are what its stories are drawn of."""

    says: str
    put: Sequence[tuple[object, str, Any]]
    acts: Sequence[Act]

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The fault is there inside."""
        with ExitStack() as stack:
            for owner, name, instead in self.put:
                stack.enter_context(patch.object(owner, name, instead))
            yield

    def found_by(self, story: Story) -> list[str]:
        """What that story breaks with it."""
        with self.alive():
            return [str(each) for each in attempt(story).findings]


def _consumer(**other: Any) -> Callable[..., AIOKafkaConsumer]:
    """A member of the group with another argument."""
    return lambda **given: AIOKafkaConsumer(**{**given, **other} if "group_id" in given else given)


def _flood_of_created(self: Attempt, outcome: Any) -> Any:
    if isinstance(outcome, Succeeded):
        if self.by.flood.is_on():
            raise Flooded("nearly every customer is being refused")
        return outcome
    return _judged(self, outcome)


async def _unknown_sent_again(self: Attempt, number: int) -> Any:
    tried = await _make(self, number)
    if isinstance(tried, Doubt) and not tried.exists:
        return NotMade(ApiUnavailable(tried.why), intended=True)
    return tried


async def _nothing_remembered(_: _Course) -> None:
    """The customer exists, and nobody writes it down."""


async def _not_settled(*_: Any) -> None:
    """A look-up begins at once."""


async def _believed_early(self: Publisher, message: OutgoingMessage) -> Position:
    task = asyncio.ensure_future(self.store(message))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return Position(message.topic, message.partition or 0, 0)


def _one_too_far(self: Offsets) -> int | None:
    found = _committable(self)
    return None if found is None else found + (self.oldest is not None)


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


def _without_a_gap(self: Fence, offset: int) -> None:
    self.last = max(self.last, offset)


def _each_alone(self: Dispatch, record: Record) -> None:
    _admit(self, replace(record, key=b"%d" % record.offset))


_judged, _make, _committable, _give, _admit = (
    Attempt._judged,
    Attempt.make,
    Offsets.committable,
    Slots.give,
    Dispatch.admit,
)
_API = (Act.API_LOST, Act.API_LATE, Act.KILL, Act.API_EXPIRES)
_GROUP = (Act.FREEZE, Act.CUT_OFF, Act.KILL, Act.STOP, Act.KAFKA_FROZEN, Act.KAFKA_CUT, Act.API_LATE, Act.API_LOST)

MUTANTS = {
    "flood-of-created": Mutant(
        "a customer that was made begins a flood hold, and is sent again",
        [(Attempt, "_judged", _flood_of_created)],
        (Act.FLOOD, Act.REPEAT),
    ),
    "exists-forgotten": Mutant(
        "a 201 without an id is not written down, so that a look-up that finds nothing has it sent again",
        [(_Course, "_remember", _nothing_remembered)],
        (Act.API_NO_ID, Act.API_HIDDEN, Act.KILL),
    ),
    "unknown-sent-again": Mutant(
        "a call without an answer is taken for one that never left",
        [(Attempt, "make", _unknown_sent_again)],
        _API,
    ),
    "look-up-at-once": Mutant(
        "a doubt is looked up before the call can have ended",
        [(Assignment, "wait_until", _not_settled)],
        (Act.API_LATE, Act.KILL),
    ),
    "poll-loses": Mutant(
        "after a poll that raised, what the client had taken is not read again",
        [(Reading, "_back", lambda *_: None)],
        (Act.DELETED, Act.KAFKA_CUT, Act.LEADER_LOST),
    ),
    "reset-to-latest": Mutant(
        "where the log has lost the place the client goes to its end",
        [(sys.modules["worker.kafka.source"], "AIOKafkaConsumer", _consumer(auto_offset_reset="latest"))],
        (Act.DELETED, Act.KILL, Act.STOP),
    ),
    "aborted-executed": Mutant(
        "what was taken back is read as well",
        [(sys.modules["worker.kafka.source"], "AIOKafkaConsumer", _consumer(isolation_level="read_uncommitted"))],
        (Act.ABORTED, Act.OPEN),
    ),
    "no-lease": Mutant(
        "a call may start however old its intent is",
        [(Lease, "is_over", lambda *_: False)],
        (Act.FREEZE, Act.SUSPEND),
    ),
    "lease-on-the-wall-clock": Mutant(
        "a lease counts on a clock that can be set back",
        [(Moment, "since", lambda self, earlier: self.wall - earlier.wall)],
        (Act.FREEZE, Act.SUSPEND, Act.SKEW),
    ),
    "gap-not-looked-at": Mutant(
        "entries of others between our own mean nothing",
        [(Fence, "acknowledged", _without_a_gap)],
        _GROUP,
    ),
    "fence-not-asked": Mutant(
        "who was fenced goes on until the group takes the partition",
        [(Assignment, "fenced", property(lambda self: self.given_up))],
        _GROUP,
    ),
    "journal-not-read": Mutant(
        "a claim does not read what stands before it",
        [(sys.modules["worker.journal.claim"], "apply", lambda *_: None)],
        _GROUP,
    ),
    "believed-early": Mutant(
        "a result counts as published before the brokers have it",
        [(Publisher, "publish", _believed_early)],
        (Act.KILL, Act.KAFKA_FROZEN, Act.KAFKA_SLOW, Act.LEADER_LOST),
    ),
    "committable-off-by-one": Mutant(
        "the offset of a record that is not finished is committed",
        [(Offsets, "committable", _one_too_far)],
        (Act.KILL, Act.API_LATE, Act.API_AWAY),
    ),
    "slot-kept": Mutant(
        "who waits while a partition drains keeps its slot",
        [(Slots, "without", _kept_on_drain)],
        (Act.STOP, Act.API_AWAY, Act.API_STATUS, Act.FREEZE),
    ),
    "lost-wake-up": Mutant(
        "a free slot is told to nobody",
        [(Slots, "give", _wakes_nobody)],
        (Act.API_AWAY, Act.API_STATUS),
    ),
    "keys-ignored": Mutant(
        "records of one key are handled at once",
        [(Dispatch, "admit", _each_alone)],
        (Act.API_LATE, Act.KAFKA_CUT),
    ),
    "member-of-no-generation": Mutant(
        "offsets are committed after the group was left",
        [(RecordSource, "_generation", lambda _: 1)],
        _GROUP,
    ),
    "no-search-before": Mutant(
        "nobody asks whose customer it is that a look-up finds",
        [(Reconciliation, "before", lambda *_: _nothing_found())],
        (*_API, Act.REPEAT),
    ),
}


async def _nothing_found() -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Found:
    """The first story that finds a mutant: `tried` stories and so many seconds after the search began."""

    name: str
    story: Story | None
    tried: int
    seconds: float
    finding: str

    def told(self) -> str:
        """One row."""
        found = f"{self.tried:5} stories {self.seconds:7.1f} s  {self.finding[:90]}" if self.story else "not found"
        return f"{self.name:26} {found}"


def search(name: str, most: int, seed: int = 1) -> Found:
    """Play stories with the fault until one finds it that keeps every promise without."""
    began, mutant = time.perf_counter(), MUTANTS[name]
    for tried in range(1, most + 1):
        story = drawn(seed + tried - 1, mutant.acts)
        if (found := mutant.found_by(story)) and not attempt(story).findings:
            return Found(name, story, tried, time.perf_counter() - began, found[0])
    return Found(name, None, most, time.perf_counter() - began, "")


def known(lines: Sequence[str]) -> dict[str, Story]:
    """Of lines `NAME STORY`, the story that finds each mutant."""
    pairs = (line.split(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: read(story) for name, story in pairs}


def main() -> int:
    """Exit 1 where a fault was not found."""
    parser = argparse.ArgumentParser(prog="tests/simulation/mutants", description=__doc__)
    parser.add_argument("--search", type=int, default=60, help="so many stories each at most")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed")
    parser.add_argument("names", nargs="*", help="these alone")
    asked = parser.parse_args()
    quiet()
    missing = 0
    for name in asked.names or MUTANTS:
        found = search(name, asked.search, asked.seed)
        missing += found.story is None
        tell(found.told(), *([f"    {found.name} {found.story.written()}"] if found.story else []))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
