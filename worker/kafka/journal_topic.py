"""The journal's topic: appended to by one idempotent producer; claimed, then read up to the claim."""

import asyncio
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from uuid import uuid4

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from worker.assignment import Restored, now
from worker.entries import Claim, encode, encode_headers
from worker.errors import JournalMismatch, JournalUnreadable, KafkaUnavailable
from worker.journal import Fence, PartitionJournal
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import named
from worker.kafka.reader import UNCOMMITTED, new_start, reader
from worker.kafka.sender import Sender
from worker.records import Headers, OutgoingMessage
from worker.topics import Topic, unequal

log = structlog.get_logger()
FETCH_BYTES = 8 * 1024 * 1024
POLL = 500
# Applied in one turn of the event loop: some ten milliseconds.
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class JournalTopic:
    """Entries of one partition of the `requests` are in the same partition of the journal."""

    topic: str
    connection: Connection
    sender: Sender
    requests: str | None = None
    within: float = 60.0

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> int:
        """The entry's offset, once all in-sync replicas have it; `acknowledged` is told in the order of offsets."""
        message = OutgoingMessage(self.topic, key, value, headers, partition)
        stored = await self.sender.publish(message, lambda position: acknowledged(position.offset))
        return stored.offset

    async def claim(self, partition: int, kept: Restored | None = None) -> Restored:
        """Write our claim, then read all that stands before it. What others write later is a gap in our offsets.

        What we `kept` of an earlier claim of ours is still all there is, if nobody has written since its last entry;
        it is remembered where the topic was deleted meanwhile. Raises KafkaUnavailable, JournalMismatch where there
        are not as many partitions as the requests have, or JournalUnreadable for a foreign entry.
        """
        writer = uuid4().hex[:12]
        claim = Claim(writer)
        fence = copy(kept.fence) if kept else Fence(-1)
        claimed = await self.append(partition, claim.key, encode(claim), fence.acknowledged, encode_headers(claim))
        since = now()
        if kept:
            kept.fence.broken, kept.fence.anew = fence.broken, fence.anew
        await self._compare()
        journal = await self._known(partition, claimed, kept)
        journal.claimed(writer)
        return Restored(writer, journal, Fence(claimed), since)

    async def _compare(self) -> None:
        if self.requests is None:
            return
        journal, requests = await self.sender.counted(self.topic, self.requests)
        if not journal or not requests:
            raise KafkaUnavailable(f"{self.requests if journal else self.topic}: it does not exist")
        if journal != requests:
            raise JournalMismatch(unequal(Topic(self.topic, journal, 0), Topic(self.requests, requests, 0)))

    async def _known(self, partition: int, claimed: int, kept: Restored | None) -> PartitionJournal:
        if kept and not kept.fence.broken:
            return kept.journal
        journal = await self.read(partition, claimed)
        if kept and kept.fence.anew:
            journal.remember(kept.journal)
        return journal

    async def read(self, partition: int, end: int) -> PartitionJournal:
        """What is known from the entries below that offset; it fails when nothing comes for `within` seconds.

        Where the topic's start moves while it is read, it is read again from there: what was read may be half of what
        an event's entries say, and what was not read is not nothing.

        It starts where the topic does, which its compaction and retention keep near what is to be remembered: an intent
        whose record was never committed may be older than any window, and only comparing clocks could tell how old.
        """
        consumer = reader(self.connection, isolation=UNCOMMITTED, fetch_bytes=FETCH_BYTES)
        place = TopicPartition(self.topic, partition)
        try:
            async with opened(consumer, self.connection, self.within):
                consumer.assign([place])
                while (journal := await self._read(consumer, place, end)) is None:
                    pass
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self.topic}/{partition}: cannot read it: {named(error)}") from error
        return journal

    async def _read(self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> PartitionJournal | None:
        """None where the topic's start has moved beyond what was to be read next."""
        journal = PartitionJournal()
        first = (await consumer.beginning_offsets([place]))[place]
        consumer.seek(place, first)
        try:
            await self._apply(consumer, place, end, journal)
        except OffsetOutOfRangeError:
            moved = await new_start(consumer, place, await consumer.position(place))
            log.warning("journal.start_moved", topic=place.topic, partition=place.partition, first=first, now=moved)
            return None
        return journal

    async def _apply(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int, journal: PartitionJournal
    ) -> None:
        """Compaction leaves holes, so that the position tells the end, never a count (facts row 34)."""
        async with asyncio.timeout(self.within) as deadline:
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(partition, timeout_ms=POLL, max_records=AT_ONCE)).values():
                    deadline.reschedule(asyncio.get_running_loop().time() + self.within)
                    for record in records:
                        if record.offset < end:
                            apply(record, journal)


def apply(record: ConsumerRecord[bytes, bytes], journal: PartitionJournal) -> None:
    """One record of the topic; a tombstone says nothing."""
    if record.value is None:
        return
    try:
        journal.apply_raw(record.key or b"", record.value, record.timestamp, tuple(record.headers))
    except ValueError:
        place = f"{record.topic}/{record.partition} at offset {record.offset}"
        raise JournalUnreadable(f"{place}: not an entry of this journal") from None
