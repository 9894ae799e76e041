"""One partition from our claim until it is given up; a new object at every claim."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from worker.entries import Claim, Entry, EntryKey, Finished, encode, encode_headers
from worker.entry_headers import Spans
from worker.errors import Draining, Fenced, LeaseOver
from worker.journal import Fence, Lease, Moment, PartitionJournal
from worker.offsets import Offsets
from worker.records import Headers
from worker.slots import Slots
from worker.turns import Turn, Turns

BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Append(Protocol):
    """Write-ahead: return once all in-sync replicas have the entry; never given up.

    `acknowledged` is called with the entry's offset, for the entries of a partition in their order.
    """

    def __call__(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Awaitable[int]: ...


def now() -> Moment:
    """A suspended machine counts on the first clock, a machine whose clock was set on the second."""
    return Moment(time.clock_gettime(BOOT_CLOCK), time.time())


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every claim: seconds, and events of one partition."""

    window: float = 86_400
    max_entries: int = 200_000
    intent_ttl: float = 10


@dataclass(frozen=True, slots=True)
class Restored:
    """What a claim found: who we are in the journal, what was known then, and when that was."""

    writer: str
    journal: PartitionJournal
    fence: Fence
    claimed: Moment


@dataclass(eq=False, slots=True)
class Assignment:
    """What is known and under way in one partition. The object is the epoch: who holds an old one changes nothing."""

    partition: int
    restored: Restored
    append: Append
    slots: Slots
    terms: Terms = Terms()
    clock: Callable[[], Moment] = now
    offsets: Offsets = field(default_factory=Offsets)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: bool = False
    _turns: Turns = field(default_factory=Turns)

    @property
    def journal(self) -> PartitionJournal:
        """What is known of this partition's events."""
        return self.restored.journal

    @property
    def fenced(self) -> bool:
        """Somebody else wrote since our claim: nothing more may be sent or published under it."""
        return self.restored.fence.broken or self.given_up

    @property
    def ending(self) -> bool:
        """Nothing more is begun."""
        return self.fenced or self.draining.is_set()

    async def write(self, event: UUID, offset: int, entry: Entry) -> Lease:
        """Return once the entry is in the journal and nobody else's is before it; Fenced otherwise.

        The lease counts from before the entry was handed over: what a frozen process had handed over is acknowledged
        without a gap when it thaws (facts row 31).
        """
        if self.fenced and not isinstance(entry, Finished):
            raise Fenced
        lease = Lease(self.clock(), self.terms.intent_ttl)
        key = EntryKey(event, offset, self.restored.writer)
        acknowledged = self.restored.fence.acknowledged
        await self.append(self.partition, key.encode(), encode(entry), acknowledged, encode_headers(entry))
        self.journal.apply(key, entry, time.time_ns() // 1_000_000)
        if self.fenced:
            self.draining.set()
            raise Fenced
        return lease

    async def tell(self, expired: Spans) -> None:
        """Write down offsets (first, end) of requests that nobody could read any more, with those known before."""
        self.journal.expire(expired)
        claim = Claim(self.restored.writer, expired=self.journal.expired)
        acknowledged = self.restored.fence.acknowledged
        await self.append(self.partition, claim.key, encode(claim), acknowledged, encode_headers(claim))

    def give_up(self) -> None:
        """Nothing more is sent or published; what is answered yet is written down as evidence for the next owner."""
        self.given_up = True
        self.draining.set()

    def before_sending(self, lease: Lease) -> Callable[[], None]:
        """The last look, to be taken when nothing but the write of the request is left to do."""

        def look() -> None:
            if self.fenced or lease.is_over(self.clock()):
                raise LeaseOver

        return look

    def alone_with(self, event: UUID) -> Turn:
        """The same event twice in flight: the second waits for the first."""
        return self._turns.of(event)

    async def pause(self, seconds: float) -> None:
        """Wait without the slot; Draining is raised as soon as the partition drains."""
        self.slots.give()
        try:
            await asyncio.wait_for(self.draining.wait(), seconds)
        except TimeoutError:
            return
        finally:
            await self.slots.returned()
        raise Draining

    async def settled(self, since: Moment, seconds: float) -> None:
        """Return when that long has passed since then, on the clock that nobody can set."""
        while (left := seconds - (self.clock().boot - since.boot)) > 0:
            await self.pause(left)

    def committed(self, offset: int) -> None:
        """The group has stored this offset; what is older than the window may be forgotten."""
        self.offsets.committed(offset)
        before = int((time.time() - self.terms.window) * 1000)
        self.journal.forget(below=offset, before=before, at_most=self.terms.max_entries)
