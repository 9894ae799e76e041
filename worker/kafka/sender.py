"""An idempotent producer that never gives a message up: what was handed over is delivered, or still on its way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, OutOfOrderSequenceNumber, UnknownProducerId
from aiokafka.structs import RecordMetadata

from worker.errors import MessageTooLarge
from worker.kafka.connection import Connection, close, opened
from worker.kafka.failures import named
from worker.records import OutgoingMessage, Position

# A send that takes longer is told as a hold; it is neither cancelled nor repeated (facts rows 3 and 4).
PATIENCE = 5.0
AGAIN_AFTER = 1.0
# Such a producer refuses every later message of the partition as well (facts row 5).
POISONED = (OutOfOrderSequenceNumber, UnknownProducerId)


class Outage(Protocol):
    """Told when Kafka does not take our messages, and when it does again."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


Acknowledged = Callable[[Position], None]


def _nobody(_: Position) -> None:
    """Most messages' positions are of interest to their publisher alone."""


@dataclass(slots=True)
class Sender:
    """`acks=all`, idempotent; one per purpose, so that a poisoned producer stops nothing else."""

    producer: AIOKafkaProducer
    make: Callable[[], AIOKafkaProducer]
    outage: Outage
    within: float
    _replacing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def publish(self, message: OutgoingMessage, acknowledged: Acknowledged = _nobody) -> Position:
        """Return once all in-sync replicas have it; the wait has no end of its own, a drain's deadline bounds it.

        Raises MessageTooLarge alone.
        `acknowledged` is called for the messages of a partition in the order of their offsets.
        """
        while True:
            producer = self.producer
            try:
                position = await self._delivered(producer, message, acknowledged)
            except MessageSizeTooLargeError as error:
                # Refused by the broker, it has poisoned the producer; refused by the client, it has not.
                await self._replace(producer)
                raise MessageTooLarge(f"{message.topic}: {error.description or 'too large'}") from error
            except KafkaError as error:
                self.outage.begin(f"{message.topic}: {named(error, 'Write')}")
                await asyncio.sleep(AGAIN_AFTER)
                if isinstance(error, POISONED):
                    await self._replace(producer)
            else:
                self.outage.end()
                return position

    async def _delivered(
        self, producer: AIOKafkaProducer, message: OutgoingMessage, acknowledged: Acknowledged
    ) -> Position:
        future = await producer.send(
            message.topic, message.value, message.key, partition=message.partition, headers=list(message.headers)
        )

        def tell(done: asyncio.Future[RecordMetadata]) -> None:
            if not done.cancelled() and done.exception() is None:
                acknowledged(_position(done.result()))

        future.add_done_callback(tell)
        late = f"{message.topic}: no acknowledgement for {PATIENCE:.0f} s"
        patience = asyncio.get_running_loop().call_later(PATIENCE, self.outage.begin, late)
        try:
            return _position(await asyncio.shield(future))
        finally:
            patience.cancel()

    async def _replace(self, poisoned: AIOKafkaProducer) -> None:
        """One of those who met it makes the new one; where that fails, the next failed message tries again."""
        async with self._replacing:
            if self.producer is not poisoned:
                return
            fresh = self.make()
            try:
                await asyncio.wait_for(fresh.start(), self.within)
            except (KafkaError, TimeoutError):
                await close(fresh, self.within)
            else:
                self.producer = fresh
                await close(poisoned, self.within)


def _position(stored: RecordMetadata) -> Position:
    return Position(stored.topic, stored.partition, stored.offset)


@asynccontextmanager
async def sender(
    connection: Connection, outage: Outage, *, max_request_size: int, within: float = 10.0
) -> AsyncIterator[Sender]:
    """A started producer; raises KafkaUnavailable."""

    def make() -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **connection.arguments(),
            acks="all",
            enable_idempotence=True,
            max_request_size=max_request_size,
            # Lingering only costs here: acknowledgements are waited for (measured, facts 3.1).
            linger_ms=0,
        )

    async with opened(make(), connection, within) as producer:
        sending = Sender(producer, make, outage, within)
        try:
            yield sending
        finally:
            if sending.producer is not producer:
                await close(sending.producer, within)
