"""Takes the journal's place where it is switched off: a crash forgets everything."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.lease import now
from worker.journal.terms import Restored
from worker.model.records import Headers, Position, Stored


@dataclass(slots=True)
class DisabledJournal:
    """A journal in memory: it remembers for as long as the process lives and holds the partition."""

    _offsets: Counter[int] = field(default_factory=Counter)

    async def claim(self, partition: int, kept: Restored | None = None, committed: int | None = None) -> Restored:
        """A claim that knows of no earlier events."""
        return Restored("nobody", PartitionJournal(), Fence(self._offsets[partition]), now())

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored:
        """Acknowledge the entry at once; nothing is stored."""
        self._offsets[partition] += 1
        acknowledged(self._offsets[partition])
        return Stored(Position("", partition, self._offsets[partition]))
