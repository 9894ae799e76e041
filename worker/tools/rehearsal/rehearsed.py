"""The result of a rehearsal: counts, and what they mean under the settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from worker.model.records import OpenTransaction
from worker.tools.rehearsal.capacity import Pace, WorkOff, journal_bytes, work_off
from worker.tools.rehearsal.choice import Part
from worker.tools.rehearsal.tally import Tally


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a first start would begin, and how many records it would take: exactly, or at most `offsets`."""

    setting: str
    offsets: int
    records: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An open transaction: nothing of its partition is read from that offset on before it ends."""

    partition: int
    transaction: OpenTransaction
    behind: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How long the topic keeps its records (seconds; None for ever), and the journal its events.

    `known` is False where the topic's configuration may not be read.
    """

    window: float
    max_entries: int
    enabled: bool
    retention: float | None = None
    known: bool = False
    compacted: bool = False

    @property
    def covers(self) -> bool | None:
        """Whether each record of the topic would be recognised if it were read again; None where nobody can tell."""
        if not self.known:
            return None
        return self.enabled and self.retention is not None and self.window >= self.retention


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsal's result. Of `parts`, `passed` offsets were read; if that is not all, times are in proportion."""

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
        """How many offsets were asked for."""
        return sum(part.end - part.first for part in self.parts)

    @property
    def whole(self) -> bool:
        """Whether all offsets were read."""
        return self.passed >= self.offsets

    @property
    def left_out(self) -> int:
        """How many offsets hold nothing: compaction took it, or nobody can read its batch."""
        ends = self.tally.transactions
        return max(0, self.passed - self.tally.ends.records - ends.taken_back - ends.committed - ends.aborted)

    @property
    def work_off(self) -> WorkOff:
        """How long it takes to work off all that was asked for."""
        scale, sent = self.offsets / self.passed if self.passed else 1.0, self.tally.ends.counts["create"]
        return work_off(sent * scale, self.tally.keys.most_sent * scale, self.pace)

    @property
    def journal_bytes(self) -> int:
        """Bytes of memory that the journal takes then, over all workers."""
        if not self.kept.enabled:
            return 0
        return journal_bytes((part.end - part.first for part in self.parts), self.kept.max_entries)

    @property
    def holds(self) -> bool:
        """Whether no more records fail than tolerated, and all can be read."""
        return self.tally.ends.failing <= self.tolerate and not self.tally.unreadable.batches
