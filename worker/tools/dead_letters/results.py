"""What became of one dead letter in a replay, and of all of them together."""

from collections import Counter
from dataclasses import dataclass, field

from worker.model.records import Position
from worker.tools.dead_letters.letters import Letter

EXISTS = "its customer exists: found by the look-up"


@dataclass(frozen=True, slots=True)
class Replayed:
    """Where a dead letter was published again."""

    letter: Letter
    position: Position


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter whose customer exists, and so is not replayed."""

    letter: Letter
    customer_id: str


@dataclass(frozen=True, slots=True)
class Left:
    """A dead letter that is not replayed, and why not."""

    letter: Letter
    why: str


Result = Replayed | Found | Left


@dataclass(slots=True)
class Tally:
    """How many letters of each reason were replayed (or would be, in a dry run), and why others were not.

    `doubts` of those that were replayed are doubts, whatever their reason.
    """

    replayed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    doubts: int = 0

    def add(self, result: Result) -> None:
        """Count this result."""
        match result:
            case Replayed(which, _):
                self.replayed[which.called] += 1
                self.doubts += which.is_doubt
            case Found():
                self.left[EXISTS] += 1
            case Left(_, why):
                self.left[why] += 1
