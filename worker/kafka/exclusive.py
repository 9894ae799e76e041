"""One publisher of a name at a time: opening it fences whoever had the name before, in every partition.

In Kafka a transactional id alone gives that: what a killed publisher had on its way is committed or aborted once the
next one is open. A batch is one transaction, and counts as a whole or not at all, for the worker as for whoever reads
its marks: both read only what is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import RecordMetadata

from worker.kafka.connection import Connection, opened
from worker.kafka.failures import explained
from worker.model.errors import Superseded
from worker.model.records import OutgoingMessage, Position

FENCED = (ProducerFenced, InvalidProducerEpoch)


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
        # Messages that their own producer had compressed may not fit into the topic otherwise.
        compression_type="gzip",
    )
    _pass_over_fences(asyncio.get_running_loop())
    # Starting it is what fences: it returns when the broker has ended what the earlier one had begun.
    async with opened(producer, connection, within):
        yield Exclusive(producer, connection, name, within)


@dataclass(frozen=True, slots=True)
class Exclusive:
    """The publisher. Raises Superseded as soon as another one of its name was opened."""

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
            except FENCED:
                raise Superseded(f"{self.name}: another one has begun, or this one stood still for too long") from None

    async def _publish(self, messages: Sequence[OutgoingMessage]) -> list[Position]:
        await self.producer.begin_transaction()
        pending: list[asyncio.Future[RecordMetadata]] = []
        try:
            for message in messages:
                pending.append(await self._send(message))  # noqa: PERF401  those before one that fails must be known
            stored = await asyncio.gather(*pending)
        except KafkaError as error:
            await asyncio.gather(*pending, return_exceptions=True)
            if not isinstance(error, FENCED):  # the other one has taken it back
                await self._take_back()
            raise
        await self.producer.commit_transaction()
        return [Position(each.topic, each.partition, each.offset) for each in stored]

    async def _take_back(self) -> None:
        """Abort the transaction: the worker reads nothing that others write behind one that is open."""
        with suppress(KafkaError):
            await self.producer.abort_transaction()

    async def _send(self, message: OutgoingMessage) -> asyncio.Future[RecordMetadata]:
        future: asyncio.Future[RecordMetadata] = await self.producer.send(
            message.topic, message.value, message.key, message.partition, headers=list(message.headers)
        )
        return future


@dataclass(frozen=True, slots=True)
class _WithoutFences:
    """A handler of the event loop's exceptions that drops fences, and leaves all others to the handler `before` it.

    A fence is raised once. aiokafka leaves it also in futures that nobody can look at, and the loop would log each.
    """

    before: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(context.get("exception"), FENCED):
            return
        if self.before:
            self.before(loop, context)
        else:
            loop.default_exception_handler(context)


def _pass_over_fences(loop: asyncio.AbstractEventLoop) -> None:
    """Install that handler, once for a loop: those futures may outlive the publisher that they came from."""
    before = loop.get_exception_handler()
    if not isinstance(before, _WithoutFences):
        loop.set_exception_handler(_WithoutFences(before))
