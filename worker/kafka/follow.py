"""Topics read from their beginning, without a group: nothing is committed and no group notices."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from worker.errors import KafkaUnavailable
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import explained
from worker.kafka.source import as_record
from worker.records import Record

FETCH_WAIT = 0.1


@asynccontextmanager
async def followed(
    connection: Connection, topics: Collection[str], within: float = 10.0, *, from_now: bool = False
) -> AsyncIterator["Followed"]:
    """All partitions of these topics, which must exist; `from_now`: without what they hold. Raises KafkaUnavailable."""
    consumer = AIOKafkaConsumer(
        *topics,
        **connection.arguments(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=int(FETCH_WAIT * 1000),
    )
    async with opened(consumer, connection, within):
        if from_now:
            with explained(connection.bootstrap_servers, connection.security_protocol):
                async with asyncio.timeout(within):
                    for place, end in (await consumer.end_offsets(consumer.assignment())).items():
                        consumer.seek(place, end)
        yield Followed(consumer)


@dataclass(frozen=True, slots=True)
class Followed:
    """The records of a partition come in their order."""

    consumer: AIOKafkaConsumer

    async def poll(self, within: float) -> list[Record]:
        """The next ones, none after that many seconds. Raises KafkaUnavailable."""
        try:
            batches = await self.consumer.getmany(timeout_ms=int(within * 1000))
        except KafkaError as error:
            raise KafkaUnavailable(f"cannot be followed: {type(error).__name__}") from error
        return [as_record(each) for batch in batches.values() for each in batch]
