"""The messages of one partition in their order: one batch is on its way, those that come meanwhile are in the next."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from worker.kafka.departures import Departures
from worker.model.errors import MessageTooLarge
from worker.model.records import OutgoingMessage, Position, Stored

BATCH = 64 * 1024
ZSTD = DefaultRecordBatch.CODEC_ZSTD
# The message is larger than the topic's `max.message.bytes`, or than its `segment.bytes`.
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)

Acknowledged = Callable[[Position], None]


@dataclass(eq=False, slots=True)
class Waiting:
    """A message until it is stored; `acknowledged` is called even when nobody waits for `stored` any more."""

    message: OutgoingMessage
    acknowledged: Acknowledged
    stored: asyncio.Future[Stored]

    def succeed(self, stored: Stored) -> None:
        """Tell whoever waits that all in-sync replicas have the message."""
        self.acknowledged(stored.place)
        if not self.stored.done():
            self.stored.set_result(stored)

    def fail(self, error: Exception) -> None:
        """Tell whoever waits that the message will never be stored."""
        if not self.stored.done():
            self.stored.set_exception(error)


class Delivery(Protocol):
    """What all partitions of a producer share."""

    producer: AIOKafkaProducer
    departures: Departures

    async def deliver(self, producer: AIOKafkaProducer, batch: BatchBuilder, place: TopicPartition) -> Stored: ...
    async def recover(self, producer: AIOKafkaProducer, place: TopicPartition, error: KafkaError) -> None: ...


class Outbox:
    """Sends the messages of one partition, one batch at a time.

    That keeps their order and costs nothing: the broker works on one request of ours at a time anyway.
    """

    def __init__(self, place: TopicPartition, delivery: Delivery) -> None:
        self._place = place
        self._delivery = delivery
        self._waiting: deque[Waiting] = deque()
        self._singly = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, waiting: Waiting) -> None:
        """Queue the message for the next batch."""
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._empty(), name=f"publish {self._place.topic}/{self._place.partition}")

    def give_up(self) -> None:
        """Cancel all who wait for a message: nobody delivers it any more."""
        if self._task:
            self._task.cancel()
        for waiting in self._waiting:
            waiting.stored.cancel()

    async def _empty(self) -> None:
        try:
            while self._waiting:
                await self._next()
        except Exception as error:
            for waiting in self._waiting:
                waiting.fail(error)
            self._waiting.clear()
            raise

    async def _next(self) -> None:
        """Deliver the next batch; what cannot be delivered stays first in line, in its order."""
        await self._delivery.departures.wait()
        producer = self._delivery.producer
        front = self._waiting[0]
        alike = takewhile(lambda each: each.message.compressed is front.message.compressed, self._waiting)
        batch = BatchBuilder(BATCH, ZSTD) if front.message.compressed else producer.create_batch()
        count = _fill(batch, [front] if self._singly else alike)
        try:
            first = await self._delivery.deliver(producer, batch, self._place)
        except KafkaError as error:
            if isinstance(error, TOO_LARGE):
                self._too_large(count, error)
            await self._delivery.recover(producer, self._place, error)
        else:
            self._delivered(first, count)

    def _too_large(self, count: int, error: MessageSizeTooLargeError | RecordListTooLargeError) -> None:
        """The broker does not say which message of a batch is too large: they are sent one by one then."""
        if count > 1:
            self._singly = count
            return
        self._singly = max(0, self._singly - 1)
        self._waiting.popleft().fail(MessageTooLarge(f"{self._place.topic}: {error.description}"))

    def _delivered(self, first: Stored, count: int) -> None:
        self._singly = max(0, self._singly - count)
        for offset in range(first.offset, first.offset + count):
            place = Position(self._place.topic, self._place.partition, offset)
            self._waiting.popleft().succeed(Stored(place, first.time))


def _fill(batch: BatchBuilder, waiting: Iterable[Waiting]) -> int:
    """Fill the batch; return how many of the messages fit. The first one always does."""
    count = 0
    for each in waiting:
        message = each.message
        headers = list(message.headers)
        if batch.append(timestamp=message.time, key=message.key, value=message.value, headers=headers) is None:
            break
        count += 1
    batch.close()
    return count
