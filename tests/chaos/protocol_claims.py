"""Claims of one partition as the worker makes them, stepped in every order: `worker.journal.claim` over one log.

A step is one answer of the log, or one thing done in the world. No coroutine can be copied, so that each schedule is
played from its beginning; two are one where they left the same log and everybody has seen the same.
"""

import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from chaos.schedules import Found

from worker.journal.claim import Take
from worker.journal.entries import Entry, EntryKey, encode, encode_headers
from worker.journal.terms import Restored
from worker.model.errors import LogStartMoved
from worker.model.records import Headers, Position, Stored

PARTITION = 0


@types.coroutine
def step(label: str) -> Generator[str, None, None]:
    """What follows happens when it is this one's turn."""
    yield label


class Kept(NamedTuple):
    """One record of the log, and whose."""

    by: str
    offset: int
    key: bytes
    value: bytes
    headers: Headers = ()
    topic: str = "journal"
    partition: int = PARTITION
    timestamp: int = 0


@dataclass
class World:
    """The log from its `first` offset on; what is broken first is `wrong`."""

    lines: list[Kept] = field(default_factory=list)
    first: int = 0
    wrong: str = ""
    actors: dict[str, "Actor"] = field(default_factory=dict)

    def enters(self, name: str, program: Callable[["View"], Coroutine[Any, Any, None]], view: "View") -> None:
        """From now on it takes its turns."""
        self.actors[name] = Actor(program(view), view)

    def ended(self) -> str:
        """What is wrong where nobody has anything left to do."""
        return ""

    def state(self) -> Hashable:
        """Writers have random names: whose an entry is tells as much."""
        log = tuple((line.by, line.value if b"claim" not in line.key else b"claim") for line in self.lines)
        return log, self.first, tuple(tuple(actor.view.seen) for actor in self.actors.values())


@dataclass
class Actor:
    """Somebody's coroutine, up to its next step."""

    running: Coroutine[Any, Any, None]
    view: "View"
    label: str = ""

    def __post_init__(self) -> None:
        self.goes_on()

    def goes_on(self) -> None:
        """Do the step; no label is left where it was the last."""
        try:
            self.label = self.running.send(None)
        except StopIteration:
            self.label = ""


@dataclass
class View:
    """The log as one of them sees it: a `Log` of `worker.journal.claim`. `seen` is all that it ever answered."""

    world: World
    name: str
    topic: str = "journal"
    batch: int = 100
    told: bool = True
    """Where the log's start has passed what is read, that is told; else the reader finds itself at the log's end."""
    seen: list[Hashable] = field(default_factory=list)

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored:
        """At the end, whoever else has written meanwhile."""
        await step("writes")
        offset = len(self.world.lines)
        self.world.lines.append(Kept(self.name, offset, key, value, headers))
        acknowledged(offset)
        self.seen.append(offset)
        return Stored(Position(self.topic, partition, offset), 0)

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        """Batch by batch."""
        await step("looks" if end is None else "reads")
        place = self.world.first if first is None else first
        last = len(self.world.lines) if end is None else end
        self.seen.append((place, last))
        while place < last:
            if place < self.world.first:
                if self.told:
                    raise LogStartMoved("journal")
                return last
            batch = self.world.lines[place : min(last, place + self.batch)]
            take(self.seen_of(batch))
            place += len(batch)
            if place < last:
                await step("reads on")
                self.seen.append((place, self.world.first))
        return last

    def seen_of(self, batch: list[Kept]) -> list[Kept]:
        """What it is given of these."""
        return batch

    async def count(self) -> tuple[int, int]:
        """One, of both."""
        return 1, 1

    async def write(self, restored: Restored, key: EntryKey, entry: Entry) -> bool:
        """As `Assignment.write`: whether nobody else's is before it."""
        acknowledged = restored.fence.acknowledged
        await self.append(PARTITION, key.encode(), encode(entry), acknowledged, encode_headers(entry))
        restored.journal.apply(key, entry, 0)
        return not restored.fence.broken


W = TypeVar("W", bound=World)


def played(make: Callable[[], W], schedule: tuple[str, ...]) -> tuple[W, list[str]]:
    """The world after that schedule, and what each of its steps was."""
    world, labels = make(), list[str]()
    for name in schedule:
        labels.append(f"{name} {world.actors[name].label}")
        world.actors[name].goes_on()
    return world, labels


def search(make: Callable[[], World], limit: int, *, until: str = "") -> Found:
    """Breadth first, up to that many states, or `until` that promise is broken."""
    found, seen, todo = Found(), set[Hashable](), deque([tuple[str, ...]()])
    while todo and len(seen) < limit and until not in found.wrong:
        schedule = todo.popleft()
        world, labels = played(make, schedule)
        if (state := world.state()) in seen:
            _closed(world)
            continue
        seen.add(state)
        turns = [name for name, actor in world.actors.items() if actor.label]
        if broken := world.wrong or (world.ended() if not turns else ""):
            found.wrong.setdefault(broken, " > ".join(labels))
        else:
            todo.extend((*schedule, name) for name in turns)
        _closed(world)
    found.states, found.complete = len(seen), not todo
    return found


def _closed(world: World) -> None:
    for actor in world.actors.values():
        actor.running.close()
