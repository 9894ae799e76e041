"""Publishes many messages to one topic: in order, each once, a bounded number of them unacknowledged."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import dropwhile

from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError
from aiokafka.structs import RecordMetadata

from worker.kafka.connection import Connection, advertised
from worker.kafka.connection import opened as opened_client
from worker.kafka.failures import NO_TOPIC, explained
from worker.model.errors import KafkaUnavailable
from worker.model.records import OutgoingMessage


@asynccontextmanager
async def opened(
    connection: Connection, *, largest: int = 1024 * 1024, unacknowledged: int = 1000, within: float = 30.0
) -> AsyncIterator["Bulk"]:
    """A publisher for messages of up to `largest` bytes; KafkaUnavailable when nothing moves for `within` seconds."""
    producer = AIOKafkaProducer(**connection.arguments(), acks="all", enable_idempotence=True, max_request_size=largest)
    async with opened_client(producer, connection, within):
        yield Bulk(producer, connection, unacknowledged, within)


@dataclass(frozen=True)
class Bulk:
    """Messages with the same key arrive in the order in which they were handed over."""

    producer: AIOKafkaProducer
    connection: Connection
    room: int
    within: float
    pending: deque[asyncio.Future[RecordMetadata]] = field(default_factory=deque)

    @property
    def unacknowledged(self) -> int:
        """How many messages were handed over since the oldest one that may or may not be in Kafka, itself included."""
        return len(list(dropwhile(_acknowledged, self.pending)))

    async def hand_over(self, message: OutgoingMessage) -> None:
        """Return as soon as there is room for more; raises when an earlier message could not be published."""
        while len(self.pending) >= self.room:
            await self._oldest()
        with self._explained():
            async with asyncio.timeout(self.within):
                sent = await self._sent(message)
        # Who hears of the first that failed waits for no other.
        sent.add_done_callback(_acknowledged)
        self.pending.append(sent)

    async def _sent(self, message: OutgoingMessage) -> asyncio.Future[RecordMetadata]:
        try:
            future: asyncio.Future[RecordMetadata] = await self.producer.send(
                message.topic, message.value, message.key, message.partition, headers=list(message.headers)
            )
        except UnknownTopicOrPartitionError:
            raise KafkaUnavailable(f"{message.topic}: {NO_TOPIC}") from None
        return future

    async def flush(self) -> None:
        """Return when all that was handed over is acknowledged."""
        while self.pending:
            await self._oldest()

    async def _oldest(self) -> None:
        future = self.pending[0]
        with self._explained():
            # It stays pending: who stops waiting takes nothing back (docs: kafka, a send that was given up).
            if not future.done() and not (await asyncio.wait({future}, timeout=self.within))[0]:
                raise TimeoutError
            await future
        del self.pending[0]

    def _explained(self) -> AbstractContextManager[None]:
        return explained(
            self.connection.bootstrap_servers, self.connection.security_protocol, partial(advertised, self.producer)
        )


def _acknowledged(future: asyncio.Future[RecordMetadata]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
