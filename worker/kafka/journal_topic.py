"""The journal's topic: appended to by one idempotent producer, read from its start to a given end."""

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
# Applied without a pause of the event loop: some ten milliseconds.
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class JournalTopic:
    """Entries of one partition of the `requests` are in the same partition of the journal."""

    topic: str
    connection: Connection
    sender: Publisher
    requests: str
    within: float = 60.0
    _newest: dict[int, int] = field(default_factory=dict)

    async def append(
        self, partition: int, key: bytes, value: bytes, acknowledged: Callable[[int], None], headers: Headers = ()
    ) -> Stored:
        """Where it is, once all in-sync replicas have it; `acknowledged` is told in the order of offsets.

        Where the topic is not dated by the brokers it is never dated before what is there: retention would take what a
        clock that is a week behind has dated.
        """
        dated = max(time.time_ns() // 1_000_000, self._newest.get(partition, 0))
        message = OutgoingMessage(self.topic, key, value, headers, partition, time=dated)
        return await self.sender.store(message, lambda position: acknowledged(position.offset))

    async def count(self) -> tuple[int, int]:
        """Partitions of the journal and of the requests. Raises KafkaUnavailable."""
        journal, requests = await self.sender.counted(self.topic, self.requests)
        return journal, requests

    async def read(self, partition: int, first: int | None, end: int | None, take: Take) -> int:
        """Hand over what stands from `first` (the topic's start) to `end` (what is its end now); return that end.

        Raises LogStartMoved, and KafkaUnavailable where nothing comes for `within` seconds. Nobody need wait here for
        the consumer's end.
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
        """Compaction leaves holes, so that the position tells the end, never a count (docs: kafka, compacted logs)."""
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
