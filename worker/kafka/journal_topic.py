"""The journal's topic: appended to by one idempotent producer, read from its beginning at every assignment."""

import asyncio
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from worker.errors import JournalUnreadable, KafkaUnavailable
from worker.journal import PartitionJournal, decode, decode_key
from worker.kafka.connection import Connection, opened
from worker.kafka.sender import Sender
from worker.records import OutgoingMessage

FETCH_BYTES = 8 * 1024 * 1024
POLL = 500


@dataclass(frozen=True, slots=True)
class JournalTopic:
    """Entries of one partition of the requests are in the same partition of the journal."""

    topic: str
    connection: Connection
    sender: Sender
    within: float = 60.0

    async def append(self, partition: int, key: bytes, value: bytes) -> int:
        """The entry's offset, once all in-sync replicas have it."""
        stored = await self.sender.publish(OutgoingMessage(self.topic, key, value, partition=partition))
        return stored.offset

    async def restore(self, partition: int) -> PartitionJournal:
        """All that is in the partition now. Raises KafkaUnavailable, or JournalUnreadable for a foreign entry."""
        journal = PartitionJournal()
        consumer = AIOKafkaConsumer(
            **self.connection.arguments(), enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES
        )
        try:
            async with asyncio.timeout(self.within), opened(consumer, self.connection, self.within):
                await _read(consumer, TopicPartition(self.topic, partition), journal)
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self.topic}/{partition}: cannot read it: {type(error).__name__}") from error
        return journal


async def _read(consumer: AIOKafkaConsumer, partition: TopicPartition, journal: PartitionJournal) -> None:
    """Compaction leaves holes, so that the position tells the end, never a count (facts row 34)."""
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    end = (await consumer.end_offsets([partition]))[partition]
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(partition, timeout_ms=POLL)).values():
            for record in records:
                _apply(record, journal)


def _apply(record: ConsumerRecord[bytes, bytes], journal: PartitionJournal) -> None:
    if record.value is None:
        return
    try:
        journal.apply(decode_key(record.key or b""), decode(record.value), record.timestamp)
    except ValueError:
        place = f"{record.topic}/{record.partition} at offset {record.offset}"
        raise JournalUnreadable(f"{place}: not an entry of this journal") from None
