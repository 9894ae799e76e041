"""What a claim of a partition's journal finds, the terms that hold for it, and how entries are written under it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from worker.journal.entries import Owner
from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.lease import Moment
from worker.model.records import Headers, Stored


class Append(Protocol):
    """Append an entry (write-ahead): return once all in-sync replicas have it; never given up.

    `acknowledged` is called with the entry's offset, for the entries of a partition in their order.
    """

    def __call__(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Awaitable[Stored]: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """Limits that hold for every claim: durations in seconds, `max_entries` in events of one partition.

    `renewal`: so often the partition's owner is written once more, before retention deletes the claim that named it.
    """

    window: float = 86_400
    max_entries: int = 200_000
    intent_ttl: float = 10
    renewal: float = 86_400

    def forget(self, journal: PartitionJournal, committed: int) -> None:
        """Forget the events that are older than the window, or too many.

        The window ends with the newest entry, whatever our own clock says.
        """
        before = journal.newest - int(self.window * 1000)
        journal.forget(below=committed, before=before, at_most=self.max_entries)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a claim found: who we are in the journal (`writer`), for whom (`owner`), what was known then, and when."""

    writer: str
    journal: PartitionJournal
    fence: Fence
    claimed: Moment
    owner: Owner | None = None
