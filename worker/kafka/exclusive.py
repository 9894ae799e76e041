"""One publisher of a name at a time: opening it fences whoever had the name before, in every partition.

In Kafka a transactional id alone gives that: what a killed publisher had on its way is committed or aborted once the
next one is open. A batch is one transaction, and counts as a whole or not at all, for the worker as for whoever reads
its marks: both read only what is committed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.producer.sender import EndTxnHandler
from aiokafka.producer.transaction_manager import TransactionResult, TransactionState
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.structs import RecordMetadata

from worker.kafka.connection import GRACE, Connection, ended, opened
from worker.kafka.failures import explained
from worker.kafka.outbox import TOO_LARGE
from worker.kafka.publisher import size_of
from worker.model.errors import MessageTooLarge, Superseded
from worker.model.records import OutgoingMessage, Position

FENCED = (ProducerFenced, InvalidProducerEpoch)
GZIP = DefaultRecordBatch.CODEC_GZIP


@asynccontextmanager
async def exclusive(
    connection: Connection, name: str, *, largest: int, within: float = 30.0
) -> AsyncIterator["Exclusive"]:
    """A publisher for messages of up to `largest` bytes; KafkaUnavailable when nothing moves for `within` seconds."""
    producer: AIOKafkaProducer = _Producer(  # type: ignore[no-untyped-call]  # aiokafka's own
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
        try:
            yield Exclusive(producer, connection, name, within)
        finally:
            await _end(producer)


class _Producer(AIOKafkaProducer):
    """aiokafka's producer, whose start raises Superseded where another one of its name began at the same time."""

    async def start(self) -> None:
        with _superseded(self._txn_manager.transactional_id):
            await super().start()  # type: ignore[no-untyped-call]  # aiokafka's own


@contextmanager
def _superseded(name: str) -> Iterator[None]:
    try:
        yield
    except FENCED:
        raise Superseded(f"{name}: another one has begun, or this one stood still for too long") from None


async def _end(producer: AIOKafkaProducer) -> None:
    """Whoever was cancelled on the way has left a transaction open, which stopping the client does not end."""
    if producer._txn_manager.is_in_transaction():  # noqa: SLF001  aiokafka tells it nowhere else
        await ended(producer.abort_transaction(), GRACE)


async def _aborted(producer: AIOKafkaProducer) -> None:
    """Abort the transaction, also where aiokafka cannot (docs: kafka, an error that the client does not know)."""
    manager, sender = producer._txn_manager, producer._sender  # noqa: SLF001  as above
    if not manager.is_fatal_error():
        await producer.abort_transaction()
        return
    manager.state, is_ended = TransactionState.ABORTING_TRANSACTION, False
    while not is_ended:
        node = await sender._find_coordinator(CoordinationType.TRANSACTION, manager.transactional_id)  # noqa: SLF001
        is_ended = await EndTxnHandler(sender, TransactionResult.ABORT).do(node)


@dataclass(frozen=True, slots=True)
class Exclusive:
    """The publisher. Raises Superseded as soon as another one of its name was opened.

    After MessageTooLarge it is of no use any more (docs: kafka, a message that is too large): see `fits`.
    """

    producer: AIOKafkaProducer
    connection: Connection
    name: str
    within: float

    async def publish(self, messages: Sequence[OutgoingMessage]) -> list[Position]:
        """Return once all in-sync replicas have all of them, those of a partition in their order."""
        servers, protocol = self.connection.bootstrap_servers, self.connection.security_protocol
        with explained(servers, protocol), _superseded(self.name):
            async with asyncio.timeout(self.within):
                return await self._publish(messages)

    async def _publish(self, messages: Sequence[OutgoingMessage]) -> list[Position]:
        await self.producer.begin_transaction()
        pending: list[asyncio.Future[RecordMetadata]] = []
        try:
            for message in messages:
                pending.append(await self._send(message))  # noqa: PERF401  those before one that fails must be known
            stored = await asyncio.gather(*pending)
            await self.producer.commit_transaction()
        except KafkaError as error:
            ends = await asyncio.gather(*pending, return_exceptions=True)
            if not isinstance(error, FENCED):  # the other one has taken it back
                await self._take_back()
            if which := _too_large([*ends, error][: len(messages)]):
                raise MessageTooLarge(f"{messages[0].topic} takes no message of that size", which) from None
            raise
        return [Position(each.topic, each.partition, each.offset) for each in stored]

    async def _take_back(self) -> None:
        """Abort the transaction: the worker reads nothing that others write behind one that is open.

        Raises one of FENCED where another publisher of the name was opened: the error before need not have said so.
        """
        try:
            await _aborted(self.producer)
        except FENCED:
            raise
        except KafkaError:
            pass

    async def _send(self, message: OutgoingMessage) -> asyncio.Future[RecordMetadata]:
        future: asyncio.Future[RecordMetadata] = await self.producer.send(
            message.topic, message.value, message.key, message.partition, headers=list(message.headers)
        )
        return future


def _too_large(ends: Sequence[object]) -> tuple[int, ...]:
    """The places of messages that are too large; the last end may be the error of one that could not even be sent."""
    return tuple(place for place, end in enumerate(ends) if isinstance(end, TOO_LARGE))


async def fits(message: OutgoingMessage, largest: int) -> bool:
    """Whether a topic takes the message, compressed as it is published here; `largest` is its `max.message.bytes`."""
    # What cannot be compressed becomes a thousandth larger, and is sent all the same.
    return size_of(message) <= 0.99 * largest or await asyncio.to_thread(_size_alone, message) <= largest


def _size_alone(message: OutgoingMessage) -> int:
    """Bytes of a batch that holds only this message, as any message does that is larger than a batch."""
    batch = DefaultRecordBatchBuilder(
        2, GZIP, is_transactional=1, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=0
    )
    batch.append(0, 0, message.key, message.value, list(message.headers))
    return len(batch.build())


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
