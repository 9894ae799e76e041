"""What a rehearsal has found: the counts, and what they mean under the settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.model.records import OpenTransaction
from worker.tools.rehearsal.capacity import Pace, WorkOff, journal_bytes, work_off
from worker.tools.rehearsal.choice import Part
from worker.tools.rehearsal.tally import Tally


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a first start would begin, and how many records that is: exactly, or at most `offsets`."""

    setting: str
    offsets: int
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A transaction that is open: nothing of its partition is read behind that offset before it ends."""

    partition: int
    transaction: OpenTransaction
    behind: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How long the topic keeps its records (seconds; None for ever) and the journal its events; what is not known is
    left out.
    """

    window: float
    max_entries: int
    enabled: bool
    retention: float | None = None
    known: bool = False
    compacted: bool = False

    @property
    def covers(self) -> bool | None:
        """Whether every record of the topic, read once more, would be recognised; None where nobody can tell."""
        if not self.known:
            return None
        return self.enabled and self.retention is not None and self.window >= self.retention


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`passed` are the offsets that were read; where they are not all of the parts, times are in proportion."""

    topic: str
    parts: Sequence[Part]
    passed: int
    tally: Tally
    beginning: Beginning
    opened: Sequence[Opened]
    kept: Kept
    pace: Pace
    tolerate: float
    live_catalog: bool = False

    @property
    def offsets(self) -> int:
        """All that were asked for."""
        return sum(part.end - part.first for part in self.parts)

    @property
    def whole(self) -> bool:
        """Whether all of them were read."""
        return self.passed >= self.offsets

    @property
    def left_out(self) -> int:
        """Offsets that hold nothing: what compaction took, or a batch nobody can read."""
        ends = self.tally.transactions
        return max(0, self.passed - self.tally.ends.records - ends.taken_back - ends.committed - ends.aborted)

    @property
    def work_off(self) -> WorkOff:
        """Of all that was asked for."""
        scale, sent = self.offsets / self.passed if self.passed else 1.0, self.tally.ends.counts["create"]
        return work_off(sent * scale, self.tally.keys.most_sent * scale, self.pace)

    @property
    def journal_bytes(self) -> int:
        """After it, in memory, of all workers together."""
        if not self.kept.enabled:
            return 0
        return journal_bytes((part.end - part.first for part in self.parts), self.kept.max_entries)

    @property
    def holds(self) -> bool:
        """Whether no more would fail than is tolerated, and all can be read."""
        return self.tally.ends.failing <= self.tolerate and not self.tally.unreadable.batches
