"""One partition from the moment it is ours until it is given up; a new object at every assignment."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

from worker.errors import Draining
from worker.journal import Entry, EntryKey, PartitionJournal, encode
from worker.offsets import Offsets


class Append(Protocol):
    """Write-ahead: return the entry's offset once all in-sync replicas have it; never given up."""

    def __call__(self, partition: int, key: bytes, value: bytes) -> Awaitable[int]: ...


@dataclass(frozen=True, slots=True)
class Retention:
    """How much is remembered: seconds, and events of one partition."""

    window: float = 86_400
    max_entries: int = 200_000


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


@dataclass(eq=False, slots=True)
class Assignment:
    """What is known and under way in one partition. The object is the epoch: who holds an old one changes nothing."""

    partition: int
    journal: PartitionJournal
    append: Append
    slots: asyncio.Semaphore
    retention: Retention = Retention()
    writer: str = field(default_factory=lambda: uuid4().hex[:12])
    offsets: Offsets = field(default_factory=Offsets)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: dict[UUID, _Turn] = field(default_factory=dict)

    async def write(self, event: UUID, offset: int, entry: Entry) -> None:
        """Return once the entry is in the journal."""
        key = EntryKey(event, offset, self.writer)
        await self.append(self.partition, key.encode(), encode(entry))
        self.journal.apply(key, entry, time.time_ns() // 1_000_000)

    @asynccontextmanager
    async def alone_with(self, event: UUID) -> AsyncIterator[None]:
        """The same event twice in flight: the second waits for the first."""
        turn = self._turns.setdefault(event, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[event]

    async def pause(self, seconds: float) -> None:
        """Wait without the slot; Draining is raised as soon as the partition drains."""
        self.slots.release()
        try:
            await asyncio.wait_for(self.draining.wait(), seconds)
        except TimeoutError:
            return
        finally:
            await self.slots.acquire()
        raise Draining

    def committed(self, offset: int) -> None:
        """The group has stored this offset; what is older than the window may be forgotten."""
        self.offsets.committed(offset)
        before = int((time.time() - self.retention.window) * 1000)
        self.journal.forget(below=offset, before=before, at_most=self.retention.max_entries)
