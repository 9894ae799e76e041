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
"""Ends that are listed one by one; the others are counted."""
WITHIN = 120.0
POLL = 0.3
POLLS = 50
KINDS = 30
LONGEST = 60


@dataclass(slots=True)
class Ends:
    """`awaited` are the records whose end is not known yet, each with its letter."""

    topic: str
    awaited: dict[Place, Place] = field(default_factory=dict)
    told: list[Ending] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)

    def expect(self, letter: Place, at: Position) -> None:
        """The letter was replayed there."""
        self.awaited[Place(at.partition, at.offset)] = letter

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
        how = became(ending)
        self.counted[how if how in self.counted or len(self.counted) < KINDS else "ended otherwise"] += 1
        if len(self.told) < TOLD:
            self.told.append(ending)

    async def wait(self, results: Followed, stopped: Callable[[], bool]) -> None:
        """Until all have ended, some minutes are over, or nobody wants to wait."""
        until = clocks.monotonic() + WITHIN
        while self.awaited and clocks.monotonic() < until and not stopped():
            await self.take(results, POLL)


def became(ending: Ending) -> str:
    """In some words, the same for all that ended alike."""
    reason = ending.data.get("reason")
    if reason is None:
        return f"succeeded: {ending.data.get('resolution')}"[:LONGEST]
    code = reason.get("code") if isinstance(reason, dict) else reason
    return f"failed again: {code}"[:LONGEST]
