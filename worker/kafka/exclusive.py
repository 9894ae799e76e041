"""One publisher of a name at a time: opening it fences whoever had the name before, in every partition.

That is what a transactional id gives, and nothing else in Kafka does: what a killed publisher had on its way is in the
log, or refused, once the next one is open. Readers need not know; each batch leaves one marker, an offset without a
record, in each partition it wrote to.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import RecordMetadata

from worker.errors import Superseded
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import explained
from worker.records import OutgoingMessage, Position


@asynccontextmanager
async def exclusive(
    connection: Connection, name: str, *, largest: int, within: float = 30.0
) -> AsyncIterator["Exclusive"]:
    """A publisher for messages of up to `largest` bytes; KafkaUnavailable when nothing moves for `within` seconds."""
    producer = AIOKafkaProducer(
        **connection.arguments(),
        acks="all",
        enable_idempotence=True,
        transactional_id=name,
        transaction_timeout_ms=int(2 * within * 1000),
        max_request_size=largest,
    )
    # Starting it is what fences: it returns when the broker has ended what the earlier one had begun.
    async with opened(producer, connection, within):
        yield Exclusive(producer, connection, name, within)


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Raises Superseded as soon as another one of its name was opened."""

    producer: AIOKafkaProducer
    connection: Connection
    name: str
    within: float

    async def publish(self, messages: Sequence[OutgoingMessage]) -> list[Position]:
        """Return once all in-sync replicas have all of them, those of a partition in their order."""
        with explained(self.connection.bootstrap_servers, self.connection.security_protocol):
            try:
                async with asyncio.timeout(self.within):
                    return await self._publish(messages)
            except (ProducerFenced, InvalidProducerEpoch):
                raise Superseded(f"another one of the name {self.name} has begun") from None

    async def _publish(self, messages: Sequence[OutgoingMessage]) -> list[Position]:
        await self.producer.begin_transaction()
        try:
            pending = [await self._send(message) for message in messages]
            stored = await asyncio.gather(*pending)
        except KafkaError:
            await asyncio.gather(*pending, return_exceptions=True)
            raise
        await self.producer.commit_transaction()
        return [Position(each.topic, each.partition, each.offset) for each in stored]

    async def _send(self, message: OutgoingMessage) -> asyncio.Future[RecordMetadata]:
        future: asyncio.Future[RecordMetadata] = await self.producer.send(
            message.topic, message.value, message.key, message.partition, headers=list(message.headers)
        )
        return future
