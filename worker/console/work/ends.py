"""Collects what became of each replayed letter, from the worker's result events."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from worker import clocks
from worker.kafka.follow import Followed
from worker.model.records import Position
from worker.tools.dead_letters.following import Ending, ended
from worker.tools.reading.place import Place

TOLD = 1_000
"""The ends of so many letters, those replayed first, are listed one by one; the others are only counted."""
WITHIN = 120.0
POLL = 0.3
POLLS = 50
KINDS = 30
LONGEST = 60
OTHERWISE = "ended otherwise"


@dataclass(frozen=True, slots=True)
class Became:
    """How one letter ended, in bounded size: `customer_id` after a success, `dead` is the letter of a new failure."""

    letter: Place
    how: str
    customer_id: str | None = None
    dead: Place | None = None


@dataclass(slots=True)
class Ends:
    """The ends of replayed letters; `awaited` are the records whose end is not known yet, each with its letter.

    `told` are the ends to be listed, by their letters.
    """

    topic: str
    awaited: dict[Place, Place] = field(default_factory=dict)
    told: dict[Place, Became] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    _first: set[Place] = field(default_factory=set)

    def expect(self, letter: Place, at: Position) -> None:
        """Note where the letter was replayed, so that its end is awaited."""
        self.awaited[Place(at.partition, at.offset)] = letter
        if len(self._first) < TOLD:
            self._first.add(letter)

    async def take(self, results: Followed, within: float = 0.0) -> None:
        """Take the ends that have come; every record that may be among them must be expected by now."""
        for _ in range(POLLS):
            records = await results.poll(within)
            for ending in ended(records, self.topic, self.awaited):
                self.add(ending)
            if not records:
                return

    def add(self, ending: Ending) -> None:
        """Count an end; its texts were written by somebody else."""
        told = became(ending)
        self.counted[told.how if told.how in self.counted or len(self.counted) < KINDS else OTHERWISE] += 1
        if told.letter in self._first:
            self.told[told.letter] = told

    async def wait(self, results: Followed, stopped: Callable[[], bool]) -> None:
        """Wait until all have ended, some minutes are over, or `stopped` is True."""
        until = clocks.monotonic() + WITHIN
        while self.awaited and clocks.monotonic() < until and not stopped():
            await self.take(results, POLL)


def became(ending: Ending) -> Became:
    """The end, with texts cut to a bounded length."""
    data = ending.told.data
    if ending.told.failed:
        return Became(ending.letter, f"failed again: {data['reason']['code']}"[:LONGEST], dead=ending.dead)
    return Became(ending.letter, f"succeeded: {data['resolution']}"[:LONGEST], data["customerId"][:LONGEST])
