"""What became of each replayed letter, as the worker announces it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from worker import clocks
from worker.kafka.follow import Followed
from worker.model.records import Position
from worker.tools.dead_letters.following import Ending, ended
from worker.tools.reading.place import Place

TOLD = 1_000
"""Letters whose ends are told one by one, those that were replayed first; all are counted."""
WITHIN = 120.0
POLL = 0.3
POLLS = 50
KINDS = 30
LONGEST = 60
OTHERWISE = "ended otherwise"


@dataclass(frozen=True, slots=True)
class Became:
    """How one letter ended, in bounded room: `customer_id` of a success, `dead` is the letter of a new failure."""

    letter: Place
    how: str
    customer_id: str | None = None
    dead: Place | None = None


@dataclass(slots=True)
class Ends:
    """`awaited` are the records whose end is not known yet, each with its letter; `told` are ends by their letters."""

    topic: str
    awaited: dict[Place, Place] = field(default_factory=dict)
    told: dict[Place, Became] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    _first: set[Place] = field(default_factory=set)

    def expect(self, letter: Place, at: Position) -> None:
        """The letter was replayed there."""
        self.awaited[Place(at.partition, at.offset)] = letter
        if len(self._first) < TOLD:
            self._first.add(letter)

    async def take(self, results: Followed, within: float = 0.0) -> None:
        """What has come since; what had to be expected must be known by now."""
        for _ in range(POLLS):
            records = await results.poll(within)
            for ending in ended(records, self.topic, self.awaited):
                self.add(ending)
            if not records:
                return

    def add(self, ending: Ending) -> None:
        """Count it; what it says was written by somebody."""
        told = became(ending)
        self.counted[told.how if told.how in self.counted or len(self.counted) < KINDS else OTHERWISE] += 1
        if told.letter in self._first:
            self.told[told.letter] = told

    async def wait(self, results: Followed, stopped: Callable[[], bool]) -> None:
        """Until all have ended, some minutes are over, or nobody wants to wait."""
        until = clocks.monotonic() + WITHIN
        while self.awaited and clocks.monotonic() < until and not stopped():
            await self.take(results, POLL)


def became(ending: Ending) -> Became:
    """What an event of somebody's making says of it, cut to what there is room for."""
    data = ending.told.data
    if ending.told.failed:
        return Became(ending.letter, f"failed again: {data['reason']['code']}"[:LONGEST], dead=ending.dead)
    return Became(ending.letter, f"succeeded: {data['resolution']}"[:LONGEST], data["customerId"][:LONGEST])
