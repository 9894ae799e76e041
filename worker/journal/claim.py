"""How a partition of the journal becomes ours: see whose it is, write a claim, read all that stands before it."""

import shlex
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from worker.journal.entries import Claim, Owner, encode, encode_headers
from worker.journal.fence import Fence
from worker.journal.journal import PartitionJournal
from worker.journal.lease import Moment, now
from worker.journal.terms import Append, Restored, Terms
from worker.model.errors import JournalMismatch, JournalShared, JournalUnreadable, KafkaUnavailable, LogStartMoved
from worker.model.records import Headers, Stored
from worker.topics import Topic, unequal


class Line(Protocol):
    """One record of the journal's topic, as Kafka's client gives it or as we make it."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Iterable[tuple[str, bytes | None]]: ...


Take = Callable[[Iterable[Line]], None]


class Log(Protocol):
    """The journal's topic; each method raises KafkaUnavailable."""

    @property
    def topic(self) -> str: ...

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored: ...

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        """Hand the lines from `first` up to, without, `end` to `take`; return that end.

        None stands for the log's start, or its present end. Raises LogStartMoved where some were deleted before being
        read.
        """

    async def count(self) -> tuple[int, int]:
        """How many partitions the journal and the requests have; 0 where there is no such topic."""


@dataclass(slots=True)
class Reading:
    """What is known from the entries read so far; it never holds much more than what is to be remembered."""

    committed: int | None
    terms: Terms
    journal: PartitionJournal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = PartitionJournal(self.committed or 0)

    def take(self, lines: Iterable[Line]) -> None:
        """Apply lines, which come in the order of the log. Raises JournalUnreadable."""
        for line in lines:
            apply(line, self.journal)
        self.terms.forget(self.journal, self.committed or 0)


def apply(line: Line, journal: PartitionJournal) -> None:
    """Apply an entry of the log to the journal; a tombstone changes nothing."""
    if line.value is None:
        return
    try:
        journal.apply_raw(line.key or b"", line.value, line.timestamp, tuple(line.headers))
    except ValueError:
        place = f"{line.topic}/{line.partition} at offset {line.offset}"
        raise JournalUnreadable(f"{place}: not an entry of this journal") from None


@dataclass(frozen=True, slots=True)
class Claims:
    """Whose requests are worked on here, and what is to be remembered of each partition."""

    log: Log
    owner: Owner
    terms: Terms

    async def claim(self, partition: int, kept: Restored | None = None, committed: int | None = None) -> Restored:
        """Claim the partition and return what stands before the claim; what others write later is a gap in our offsets.

        `kept` is what we knew under our last claim: it is still complete, and not read again, if nobody has written
        since our last entry there; where the topic was deleted meanwhile, it is added to what is read. `committed` is
        the group's offset. Raises KafkaUnavailable; JournalShared where the partition is somebody else's, before a
        claim is written unless both claim at the same time; JournalMismatch where the journal has more partitions than
        the requests, or lacks this one; JournalUnreadable for a foreign entry.
        """
        await self._compare(partition)
        if kept and self._was_ours(kept, committed):
            restored = await self._once_more(partition, kept, committed)
        else:
            restored = await self._looked(partition, committed)
        if kept and kept.fence.anew:
            restored.journal.remember(kept.journal)
        return restored

    @property
    def append(self) -> Append:
        """How entries are written under a claim."""
        return self.log.append

    async def _compare(self, partition: int) -> None:
        """Compare the partition counts before anything is written: a write to a missing partition would wait for it.

        A journal with more partitions than the requests is another topic's; if it has fewer, the requests have got
        more.
        """
        journal, requests = await self.log.count()
        if not journal or not requests:
            raise KafkaUnavailable(f"{self.owner.topic if journal else self.log.topic}: it does not exist")
        if journal > requests or partition >= journal:
            raise JournalMismatch(unequal(Topic(self.log.topic, journal, 0), Topic(self.owner.topic, requests, 0)))

    def _was_ours(self, kept: Restored, committed: int | None) -> bool:
        """Whether `kept` is complete: the partition was ours alone, and the group goes on at or above what is known."""
        known = kept.journal
        return not kept.fence.broken and known.holder == self.owner and known.below <= (committed or 0)

    async def _once_more(self, partition: int, kept: Restored, committed: int | None) -> Restored:
        """Claim a partition that was ours last: its journal is read again only if somebody has written in between."""
        fence = copy(kept.fence)
        written = await self._write(partition, fence.acknowledged)
        if not fence.broken:
            return self._ours(partition, written, kept.journal)
        kept.fence.broken, kept.fence.anew = fence.broken, fence.anew
        return self._ours(partition, written, await self._read_again(partition, committed, written.offset))

    async def _looked(self, partition: int, committed: int | None) -> Restored:
        reading = Reading(committed, self.terms)
        try:
            end = await self.log.read(partition, None, None, reading.take)
            self._refuse(partition, reading.journal)
            written = await self._write(partition)
        except LogStartMoved:
            return await self._looked(partition, committed)
        if written.offset < end:
            raise KafkaUnavailable(f"{self.log.topic}/{partition}: it was made anew while it was claimed")
        try:
            await self.log.read(partition, end, written.offset, reading.take)
        except LogStartMoved:
            return self._ours(partition, written, await self._read_again(partition, committed, written.offset))
        return self._ours(partition, written, reading.journal)

    async def _read_again(self, partition: int, committed: int | None, end: int) -> PartitionJournal:
        """Read the journal from its start up to `end`, anew whenever its start is deleted meanwhile."""
        while True:
            reading = Reading(committed, self.terms)
            try:
                await self.log.read(partition, None, end, reading.take)
            except LogStartMoved:
                continue
            return reading.journal

    async def _write(self, partition: int, acknowledged: Callable[[int], None] = lambda _: None) -> "_Written":
        claim = Claim(uuid4().hex[:12], group=self.owner.group, topic=self.owner.topic)
        stored = await self.log.append(partition, claim.key, encode(claim), acknowledged, encode_headers(claim))
        return _Written(claim, stored, now())

    def _ours(self, partition: int, written: "_Written", journal: PartitionJournal) -> Restored:
        """What the claim found.

        Raises JournalShared where somebody else's claim came at the same time and was first.
        """
        self._refuse(partition, journal)
        journal.claimed(written.claim, written.time or 0)
        return Restored(written.claim.writer, journal, Fence(written.offset), written.since, self.owner)

    def _refuse(self, partition: int, journal: PartitionJournal) -> None:
        holder = journal.holder
        if holder not in {None, self.owner}:
            raise JournalShared(shared(f"{self.log.topic}/{partition}", holder, self.owner))


def shared(place: str, holder: Owner, ours: Owner) -> str:
    """One line that names both, and the two ways out."""
    return (
        f"{place} is the journal of {holder}, and not of ours ({ours}): give each its own (WORKER_TOPICS__JOURNAL) "
        f"or, if they are one under a new name, `customer-worker journal adopt --from {shlex.quote(holder.group)}`"
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """Our claim, where it is stored, and when its acknowledgement came."""

    claim: Claim
    stored: Stored
    since: Moment

    @property
    def offset(self) -> int:
        return self.stored.offset

    @property
    def time(self) -> int | None:
        return self.stored.time
