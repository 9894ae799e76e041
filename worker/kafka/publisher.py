"""An idempotent producer that never gives a message up: what was handed over is delivered, or still on its way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    UnknownProducerId,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from worker.counting import counted
from worker.kafka.connection import Connection, close, opened, started
from worker.kafka.departures import Departures
from worker.kafka.failures import named
from worker.kafka.leaders import NO_LEADER, missing, partitions
from worker.kafka.outbox import BATCH, TOO_LARGE, Acknowledged, Outbox, Waiting
from worker.model.errors import KafkaUnavailable, MessageTooLarge, WorkerError
from worker.model.records import OutgoingMessage, Position, Stored
from worker.stopping import Stopping

# Seconds after which a send begins a hold; it goes on (docs: kafka, a send that was given up).
PATIENCE = 5.0
AGAIN_AFTER = 1.0
# After these a producer refuses every later message of the partition, too (docs: kafka, a message that is too large).
POISONED = (OutOfOrderSequenceNumber, UnknownProducerId, *TOO_LARGE, ProducerFenced)
# These say nothing of Kafka: a message was refused, or the producer was replaced for another partition's sake.
NO_OUTAGE = (*TOO_LARGE, ProducerClosed)
# What a record costs beside its key, value and headers, at most.
OVERHEAD = 100
LOG_APPEND_TIME = 1
by_key = DefaultPartitioner()


class Outage(Protocol):
    """Told when Kafka does not take our messages, and when it does again."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


def _nobody(_: Position) -> None:
    """For messages whose position only their publisher needs."""


@dataclass(slots=True)
class Publisher:
    """Publishes with `acks=all`, idempotently; there is one per purpose, so that a poisoned one stops nothing else."""

    producer: AIOKafkaProducer
    make: Callable[[], AIOKafkaProducer]
    outage: Outage
    max_request_size: int
    within: float
    departures: Departures = field(default_factory=Departures)
    stopping: Stopping = field(default_factory=Stopping)
    _outboxes: dict[TopicPartition, Outbox] = field(default_factory=dict)
    _failing: set[str] = field(default_factory=set)
    _replacing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _retiring: set[asyncio.Task[None]] = field(default_factory=set)
    _numbers: dict[str, list[int]] = field(default_factory=dict)
    # Asking for it costs a system call before Python 3.12, three times a record.
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def __post_init__(self) -> None:
        self._forget_with(self.producer)

    async def publish(self, message: OutgoingMessage) -> Position:
        """Publish the message; return its place once all in-sync replicas have it."""
        return (await self.store(message)).place

    async def store(self, message: OutgoingMessage, acknowledged: Acknowledged = _nobody) -> Stored:
        """Return once all in-sync replicas have the message. The wait has no limit of its own; the caller's drain has.

        Raises MessageTooLarge alone. `acknowledged` is called for the messages of a partition in the order of their
        offsets. Cancelling the caller does not take the message back.
        """
        if size_of(message) > self.max_request_size:
            raise MessageTooLarge(f"{message.topic}: larger than {counted(self.max_request_size, 'byte')}")
        number = message.partition
        if number is None or message.elsewhere:
            number = await self._number(message)
        stored: asyncio.Future[Stored] = self._loop.create_future()
        self._outbox(TopicPartition(message.topic, number)).add(Waiting(message, acknowledged, stored))
        return await stored

    def _outbox(self, place: TopicPartition) -> Outbox:
        if place not in self._outboxes:
            self._outboxes[place] = Outbox(place, self)
        return self._outboxes[place]

    async def _number(self, message: OutgoingMessage) -> int:
        """The partition that the message names, if the topic has it, else the one that its key decides on."""
        numbers = await self._partitions(message)
        return message.partition if message.partition in numbers else int(by_key(message.key, numbers, numbers))

    async def _partitions(self, message: OutgoingMessage) -> list[int]:
        """The partitions of the message's topic, as they are now."""
        while (numbers := self._numbers.get(message.topic)) is None:
            try:
                known = self.producer.client.cluster.partitions_for_topic(message.topic)
                numbers = sorted(known or await partitions(self.producer, message.topic, None, PATIENCE))
            except KafkaError as error:
                await self.recover(self.producer, TopicPartition(message.topic, -1), error)
            else:
                self._numbers[message.topic] = numbers
        return numbers

    def _forget_with(self, producer: AIOKafkaProducer) -> None:
        """Keep the numbers of partitions until this producer's metadata change.

        Without that, the client would copy, and we would sort, hundreds of them for each message.
        """
        self._numbers.clear()
        producer.client.cluster.add_listener(lambda _: self._numbers.clear())

    async def counted(self, *topics: str) -> list[int]:
        """How many partitions each topic has now, 0 where it does not exist. Raises KafkaUnavailable."""
        client = self.producer.client
        for topic in topics:
            client.add_topic(topic)
        done, _ = await asyncio.wait({client.force_metadata_update()}, timeout=self.within)
        if not all(each.result() for each in done) or not done:
            raise KafkaUnavailable(f"{', '.join(topics)}: nobody says how many partitions there are")
        return [len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics]

    async def deliver(self, producer: AIOKafkaProducer, batch: BatchBuilder, place: TopicPartition) -> Stored:
        """Send the batch; return where its first message is stored. Raises KafkaError."""
        patience = self._loop.call_later(PATIENCE, self._late, producer, place)
        self.departures.left()
        try:
            if producer.client.cluster.leader_for_partition(place) in NO_LEADER:
                await partitions(producer, place.topic, place.partition, PATIENCE)
            if producer is not self.producer:
                raise ProducerClosed
            future = await producer.send_batch(batch, place.topic, partition=place.partition)
            stored = await asyncio.shield(future)
        finally:
            patience.cancel()
            self.departures.arrived()
        self._failing.discard(place.topic)
        if not self._failing:
            self.outage.end()
        # Where the messages keep the time of their producer the broker answers with none.
        time = stored.timestamp if stored.timestamp_type == LOG_APPEND_TIME else None
        return Stored(Position(place.topic, place.partition, int(stored.offset)), time)

    def _late(self, producer: AIOKafkaProducer, place: TopicPartition) -> None:
        """Begin the hold. The send is neither cancelled nor repeated: it may be on its way."""
        lack = missing(producer.client.cluster, place.topic, place.partition)
        late = f"no acknowledgement for {PATIENCE:.0f} s"
        self._fails(place.topic, named(lack, "Write", place.topic) if lack else late)

    async def recover(self, producer: AIOKafkaProducer, place: TopicPartition, error: KafkaError) -> None:
        """Return when the batch may be tried again, with a new producer where this one is of no use any more."""
        if not isinstance(error, NO_OUTAGE):
            self._fails(place.topic, named(error, "Write", place.topic))
        if producer is self.producer and not isinstance(error, TOO_LARGE):
            await asyncio.sleep(AGAIN_AFTER)
        # An error that is exactly KafkaError comes from the end of the client's background task.
        if isinstance(error, POISONED) or type(error) is KafkaError:
            await self._replace(producer, place.topic)

    def _fails(self, topic: str, why: str) -> None:
        self._failing.add(topic)
        self.outage.begin(f"{topic}: {why}")

    async def _replace(self, poisoned: AIOKafkaProducer, topic: str) -> None:
        """Replace the producer, once for all who met its error; if that fails the next failed message tries again."""
        async with self._replacing:
            if self.producer is not poisoned:
                return
            try:
                self.producer = await self._fresh()
            except Exception as error:  # noqa: BLE001  a file that is gone for a while must fail nobody's message
                self._fails(topic, str(error) if isinstance(error, WorkerError) else named(error, "Write", topic))
                return
            self._forget_with(self.producer)
            self._retire(poisoned)

    async def _fresh(self) -> AIOKafkaProducer:
        fresh = self.make()
        try:
            await started(fresh, self.within)
        except BaseException:
            await close(fresh, self.within)
            raise
        return fresh

    def _retire(self, poisoned: AIOKafkaProducer) -> None:
        """Close the old producer in the background, once it has delivered what other partitions have on their way."""
        task = asyncio.create_task(self._delivered(poisoned), name="retire a producer")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _delivered(self, poisoned: AIOKafkaProducer) -> None:
        try:
            await poisoned.flush()
        finally:
            await close(poisoned, self.stopping.left(self.within))

    async def close(self) -> None:
        """Close the producer and those that were retired; whoever still waits for a message is cancelled."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(
            close(self.producer, self.stopping.left(self.within)), *self._retiring, return_exceptions=True
        )
        for outbox in self._outboxes.values():
            outbox.give_up()


def size_of(message: OutgoingMessage) -> int:
    """The message's size in bytes, a little more than it takes on the way."""
    headers = sum(len(name) + len(value or b"") + 10 for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers + OVERHEAD


@asynccontextmanager
async def opened_publisher(
    connection: Connection, outage: Outage, *, max_request_size: int, within: float = 10.0, linger: float = 0.0
) -> AsyncIterator[Publisher]:
    """A publisher; messages wait `linger` seconds for others that leave with them. Raises KafkaUnavailable."""

    def make() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **connection.arguments(),
            acks="all",
            enable_idempotence=True,
            max_request_size=max_request_size,
            max_batch_size=BATCH,
            # A batch is full when it is handed over: it has waited for its departure.
            linger_ms=0,
        )

    async with opened(make(), connection, within) as producer:
        departures = Departures(linger)
        sending = Publisher(producer, make, outage, max_request_size, within, departures, connection.stopping)
        try:
            yield sending
        finally:
            await sending.close()
