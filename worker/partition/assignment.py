"""One partition from our claim until it is given up; a new object at every claim."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from worker.journal.entries import Entry, EntryKey, Intent, Notice, encode, encode_headers
from worker.journal.journal import PartitionJournal
from worker.journal.lease import Lease, Moment, now
from worker.journal.terms import Append, Restored, Terms
from worker.model.errors import Fenced, LeaseOver
from worker.model.progress import Progress, Spans
from worker.model.records import Stored
from worker.partition.drain import Drain, after
from worker.partition.locks import EventLock, EventLocks
from worker.partition.offsets import Offsets
from worker.partition.slots import Slots


@dataclass(eq=False, slots=True)
class Assignment:
    """What is known and under way in one partition.

    The object is the epoch: an old one can send and publish nothing.
    """

    partition: int
    restored: Restored
    append: Append
    slots: Slots
    terms: Terms = field(default_factory=Terms)
    clock: Callable[[], Moment] = now
    offsets: Offsets = field(default_factory=Offsets)
    draining: Drain = field(default_factory=Drain)
    given_up: bool = False
    _locks: EventLocks = field(default_factory=EventLocks)
    _began: int = field(init=False)
    _told: Moment = field(init=False)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._began, self._told = self.restored.journal.newest, self.restored.claimed

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
        """Whether the partition is drained or lost, so that nothing more is begun."""
        return self.fenced or self.draining.is_set()

    async def write(self, event: UUID, offset: int, entry: Entry) -> Lease:
        """Return once the entry is in the journal, and nobody else has written since our claim; raise Fenced otherwise.

        The lease counts from before the entry was handed to the producer, not from its acknowledgement. An entry that a
        process handed over before it was frozen is acknowledged without a gap when it thaws
        (docs: kafka, what a frozen writer had handed over).
        """
        if self.fenced and not _tells(entry):
            raise Fenced
        lease = Lease(self.clock(), self.terms.intent_ttl)
        key = EntryKey(event, offset, self.restored.writer)
        acknowledged = self.restored.fence.acknowledged
        stored = await self.append(self.partition, key.encode(), encode(entry), acknowledged, encode_headers(entry))
        self.journal.apply(key, entry, self._time(stored))
        if self.fenced:
            self.draining.set()
            raise Fenced
        return lease

    def _time(self, stored: Stored) -> int:
        """When the entry was stored (milliseconds since the epoch), by the clock of the log.

        Where the broker does not tell it, the time is the newest one at the claim and what has passed since the claim:
        our own wall clock may be days away from all that was read.
        """
        if stored.time is not None:
            return stored.time
        return self._began + int((self.clock().boot - self.restored.claimed.boot) * 1000)

    async def tell(self, expired: Spans = ()) -> None:
        """Write a notice.

        We still hold the partition, and `expired` requests (first, end) were deleted before being read.
        """
        self._told = self.clock()
        notice = Notice(self.restored.writer, self.restored.owner, expired)
        acknowledged = self.restored.fence.acknowledged
        stored = await self.append(self.partition, notice.key, notice.value, acknowledged, notice.headers)
        self.journal.noticed(notice, self._time(stored))

    def renew(self) -> None:
        """Write a notice that we still hold the partition, if the last one is long ago; nobody waits for it."""
        if not self.fenced and self.clock().boot - self._told.boot >= self.terms.renewal:
            self._told = self.clock()
            task = asyncio.create_task(self.tell(), name=f"notice {self.partition}")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def give_up(self) -> None:
        """End the assignment: nothing more is sent or published.

        What the API still answers is written to the journal, as evidence for the next owner.
        """
        self.given_up = True
        self.draining.set()

    def before_sending(self, lease: Lease) -> Callable[[], None]:
        """A check to be called when only the write of the request is left.

        It raises LeaseOver if that may not start now, or not any more: a drain has time for what has left, no more.
        """

        def look() -> None:
            if self.ending or lease.is_over(self.clock()):
                raise LeaseOver

        return look

    def alone_with(self, event: UUID) -> EventLock:
        """A lock for `async with`: a second record of the event waits for the first, without its slot.

        Entering it raises Draining, as `pause` does.
        """
        return self._locks.of(event, self.wait)

    async def pause(self, seconds: float) -> None:
        """Wait that many seconds without the slot; Draining is raised as soon as the partition drains."""
        await self.wait(after(seconds))

    async def wait(self, awaited: asyncio.Future[None]) -> None:
        """Wait for a future as `pause` does for time.

        The only way in which a record waits for a schema or another record.
        """
        await self.slots.without(awaited, self.draining)

    async def wait_until(self, since: Moment, seconds: float) -> None:
        """Return when so many seconds have passed since then, by the clock that counts since boot; waits as `pause`."""
        while (left := seconds - (self.clock().boot - since.boot)) > 0:
            await self.pause(left)

    def stored(self, progress: Progress) -> None:
        """Note what the group has stored; events older than the window may be forgotten then."""
        self.offsets.stored(progress)
        self.terms.forget(self.journal, progress.offset)


def _tells(entry: Entry) -> bool:
    """Whether the entry tells what the API has done, or certainly not done, which the next owner must know.

    Every entry does but an intent, unless that says that the customer exists.
    """
    return not isinstance(entry, Intent) or entry.evidence.exists
