"""Reads a batch that the client cannot read, over the client's own connections."""

import asyncio
from dataclasses import dataclass
from typing import cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    UnsupportedCodecError,
)
from aiokafka.protocol.fetch import FetchRequest

from worker.kafka.asking import ask_for_batches, judge, leader_of
from worker.kafka.batches import Batch, UnreadableBatch, first_batch
from worker.kafka.failures import named
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record

WITHIN = 15.0
"""Seconds: a broker may hold a client back for its quota for some ten of them."""
WAIT = 100
ONE_BATCH = 1
PLACELESS = (NoOffsetForPartitionError, OffsetOutOfRangeError)
# aiokafka raises these, and whatever is no KafkaError, because of what stands in one partition.
OF_WHAT_IS_READ = (CorruptRecordException, RecordTooLargeError, UnsupportedCodecError)


def is_of_all(error: Exception) -> bool:
    """Whether the error is about all of Kafka, and not about one partition."""
    return isinstance(error, KafkaError) and not isinstance(error, (*PLACELESS, *OF_WHAT_IS_READ))


async def next_batch(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> Batch | None:
    """The first batch from that offset on that holds records for a reader; None at the log's end.

    Raises KafkaError, TimeoutError and UnreadableBatch.
    """
    while True:
        async with asyncio.timeout(WITHIN):
            raw, aborted = await fetched(consumer, place, offset)
        if not raw:
            return None
        batch = first_batch(raw)
        if not batch.is_passed_over(aborted):
            return batch
        offset = max(offset, batch.next_offset)


async def fetched(
    consumer: AIOKafkaConsumer, place: TopicPartition, offset: int, at_most: int = ONE_BATCH
) -> tuple[bytes, list[tuple[int, int]]]:
    """About `at_most` bytes of the log from that offset on, at least one batch, and the aborted transactions in them.

    A transaction is its producer's id and its first offset. Raises KafkaError.
    """
    fetcher = consumer._fetcher  # noqa: SLF001  aiokafka tells it nowhere else
    isolation = fetcher._isolation_level if fetcher else 0  # noqa: SLF001  as above
    request = FetchRequest(WAIT, 1, at_most, isolation, [(place.topic, [(place.partition, offset, at_most)])])
    answer = await ask_for_batches(consumer, leader_of(consumer, place), request)
    (_, ((_, code, _, *rest),)) = answer.topics[0]
    if code == OffsetOutOfRangeError.errno:
        raise OffsetOutOfRangeError({place: offset})  # as the client's own names its places
    judge(consumer, code)
    return bytes(rest[-1] or b""), list(rest[2 if answer.API_VERSION >= 5 else 1] or ())


def said(error: Exception, topic: str) -> str:
    """The error in words, for a person, without any content of the records."""
    if isinstance(error, UnreadableBatch):
        return f"the batch there cannot be read: {error}"
    return f"nothing can be read there: {named(error, topic=topic)}"


@dataclass
class BesideRecord(ConsumerRecord[bytes, bytes]):
    """A record in the form in which the client hands it over; `unreadable` as in `Record`."""

    unreadable: str | None = None


async def patiently(
    consumer: AIOKafkaConsumer, place: TopicPartition, *, timeout_ms: int, max_records: int | None = None
) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
    """The consumer's `getmany` for one partition, which hands over odd records like all others.

    Where the client cannot read, the whole rest of the batch is returned, whatever `max_records` says. Raises
    KafkaUnavailable, which names the place, where the batch cannot be read at all.
    """
    try:
        return dict(await consumer.getmany(place, timeout_ms=timeout_ms, max_records=max_records))
    except Exception as error:
        if is_of_all(error) or isinstance(error, PLACELESS):
            raise
    return await _beside(consumer, place)


async def _beside(
    consumer: AIOKafkaConsumer, place: TopicPartition
) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
    """Read the batch at the partition's position, which a poll that raised has not moved."""
    offset = await consumer.position(place)
    try:
        batch = await next_batch(consumer, place, offset)
        read = batch.records_from(offset, *place) if batch else iter(())
        records: list[ConsumerRecord[bytes, bytes]] = [_as_client(each) for each in read]
    except (UnreadableBatch, MemoryError) as error:
        at = f"{place.topic}/{place.partition} at offset {offset}"
        raise KafkaUnavailable(f"{at}: {said(error, place.topic)}") from None
    if batch:
        consumer.seek(place, batch.next_offset)
    return {place: records} if records else {}


def _as_client(record: Record) -> BesideRecord:
    key, value = record.key, record.value
    sizes = len(key) if key is not None else -1, len(value) if value is not None else -1
    place = record.topic, record.partition, record.offset, record.timestamp, 0
    # The value of a header may be None in the client's own records, too.
    headers = cast("tuple[tuple[str, bytes], ...]", record.headers)
    return BesideRecord(*place, key, value, None, *sizes, headers, record.unreadable)
