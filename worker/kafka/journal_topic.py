"""The journal's topic: one idempotent producer appends to it; it is read from its start to a given end."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from worker.journal.claim import Take
from worker.kafka.beside import patiently
from worker.kafka.connection import Connection, borrowed
from worker.kafka.failures import named
from worker.kafka.publisher import Publisher
from worker.kafka.reader import UNCOMMITTED, reader
from worker.model.errors import KafkaUnavailable, LogStartMoved
from worker.model.records import Headers, OutgoingMessage, Stored

log = structlog.get_logger()
FETCH_BYTES = 8 * 1024 * 1024
POLL = 500
# So many entries are applied without a pause of the event loop, which takes some ten milliseconds.
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class JournalTopic:
    """The journal in Kafka. Entries about a partition of `requests` are in the journal's partition of that number."""

    topic: str
    connection: Connection
    sender: Publisher
    requests: str
    within: float = 60.0
    _newest: dict[int, int] = field(default_factory=dict)

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored:
        """Append an entry; return where it is once all in-sync replicas have it.

        `acknowledged` is told of the offsets of a partition in their order. An entry is never dated before those that
        are there already: where the brokers do not date the topic, retention would delete what a slow clock has dated.
        """
        dated = max(time.time_ns() // 1_000_000, self._newest.get(partition, 0))
        message = OutgoingMessage(self.topic, key, value, headers, partition, time=dated)
        return await self.sender.store(message, lambda position: acknowledged(position.offset))

    async def count(self) -> tuple[int, int]:
        """How many partitions the journal and the requests have. Raises KafkaUnavailable."""
        journal, requests = await self.sender.counted(self.topic, self.requests)
        return journal, requests

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        """Hand what stands from `first` up to, without, `end` to `take`; return that end.

        None stands for the topic's start, and for its present end. Raises LogStartMoved, and KafkaUnavailable where
        nothing comes for `within` seconds. The consumer is closed in the background.
        """
        if first is not None and first == end:
            return end
        consumer = reader(self.connection, isolation=UNCOMMITTED, fetch_bytes=FETCH_BYTES)
        place = TopicPartition(self.topic, partition)
        try:
            async with borrowed(consumer, self.connection, self.within):
                return await self._read(consumer, place, first, end, take)
        except OffsetOutOfRangeError:
            log.warning("journal.start_moved", topic=self.topic, partition=partition)
            raise LogStartMoved(f"{self.topic}/{partition}: entries were deleted while they were read") from None
        except (KafkaError, TimeoutError) as error:
            why = named(error, topic=self.topic)
            raise KafkaUnavailable(f"{self.topic}/{partition}: cannot read it: {why}") from error

    async def _read(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, first: int | None, end: int | None, take: Take
    ) -> int:
        """Read up to `until` by the consumer's position: compaction leaves gaps (docs: kafka, compacted logs)."""
        consumer.assign([place])
        async with asyncio.timeout(self.within) as deadline:
            start = first if first is not None else (await consumer.beginning_offsets([place]))[place]
            until = end if end is not None else (await consumer.end_offsets([place]))[place]
            consumer.seek(place, start)
            while await consumer.position(place) < until:
                for records in (await patiently(consumer, place, timeout_ms=POLL, max_records=AT_ONCE)).values():
                    deadline.reschedule(asyncio.get_running_loop().time() + self.within)
                    self._newest[place.partition] = max(self._newest.get(place.partition, 0), records[-1].timestamp)
                    take(record for record in records if record.offset < until)
        return int(until)
