"""Writes records inside and outside of transactions, and deletes the beginning of a log, on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from patience import PATIENCE

WITHIN = PATIENCE


@dataclass(frozen=True)
class Log:
    """One partition of a topic."""

    kafka: str
    topic: str
    partition: int = 0

    async def write(self, count: int, producer: AIOKafkaProducer | None = None) -> int:
        """Write that many records; returns the offset after the last one."""
        if producer is None:
            async with AIOKafkaProducer(bootstrap_servers=self.kafka) as own:
                return await self.write(count, own)
        for number in range(count):
            sent = producer.send_and_wait(self.topic, str(number).encode(), None, self.partition)
            stored = await asyncio.wait_for(sent, WITHIN)
        return int(stored.offset) + 1

    @asynccontextmanager
    async def transaction(self, count: int, *, commit: bool, name: str = "") -> AsyncIterator[int]:
        """Write that many records in a transaction that is open inside the block, then committed or aborted."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka, transactional_id=f"{self.topic}-{self.partition}-{name}"
        )
        async with producer, asyncio.timeout(WITHIN):
            await producer.begin_transaction()
            yield await self.write(count, producer)
            await (producer.commit_transaction() if commit else producer.abort_transaction())

    async def delete(self, before: int) -> None:
        """Delete what lies before that offset."""
        client = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await client.start()
        try:
            async with asyncio.timeout(WITHIN):
                place = TopicPartition(self.topic, self.partition)
                await client.delete_records({place: RecordsToDelete(before_offset=before)})
        finally:
            await client.close()
