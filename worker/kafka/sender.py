"""An idempotent producer that never gives a message up: what was handed over is delivered, or still on its way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from worker.kafka.connection import Connection, opened
from worker.records import OutgoingMessage, Position

# A send that takes longer is told as a hold; it is neither cancelled nor repeated (facts rows 3 and 4).
PATIENCE = 5.0
AGAIN_AFTER = 1.0


class Outage(Protocol):
    """Told when Kafka does not take our messages, and when it does again."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """`acks=all`, idempotent; one producer per purpose, so that a poisoned one stops nothing else (facts row 5)."""

    producer: AIOKafkaProducer
    outage: Outage

    async def publish(self, message: OutgoingMessage) -> Position:
        """Return once all in-sync replicas have it; the wait has no end of its own, a drain's deadline bounds it."""
        while True:
            try:
                position = await self._acknowledged(message)
            except KafkaError as error:
                self.outage.begin(f"{message.topic}: {type(error).__name__}")
                await asyncio.sleep(AGAIN_AFTER)
            else:
                self.outage.end()
                return position

    async def _acknowledged(self, message: OutgoingMessage) -> Position:
        future = await self.producer.send(
            message.topic, message.value, message.key, partition=message.partition, headers=list(message.headers)
        )
        done, _ = await asyncio.wait({future}, timeout=PATIENCE)
        if not done:
            self.outage.begin(f"{message.topic}: no acknowledgement for {PATIENCE:.0f} s")
        stored = await asyncio.shield(future)
        return Position(stored.topic, stored.partition, stored.offset)


@asynccontextmanager
async def sender(
    connection: Connection, outage: Outage, *, max_request_size: int, within: float = 10.0
) -> AsyncIterator[Sender]:
    """A started producer; raises KafkaUnavailable."""
    producer = AIOKafkaProducer(
        **connection.arguments(),
        acks="all",
        enable_idempotence=True,
        max_request_size=max_request_size,
        # Lingering only costs here: acknowledgements are waited for (measured, facts 3.1).
        linger_ms=0,
    )
    async with opened(producer, connection, within):
        yield Sender(producer, outage)
