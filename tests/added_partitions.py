"""Adds partitions to a topic on a real Kafka."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from patience import PATIENCE


async def add_partitions(client: AIOKafkaAdminClient, topic: str, count: int) -> None:
    """Give the topic `count` partitions in all; return once the broker that clients ask knows of them."""
    await client.create_partitions({topic: NewPartitions(count)})
    async with asyncio.timeout(PATIENCE):
        while len((await client.describe_topics([topic]))[0]["partitions"]) < count:
            await asyncio.sleep(0.05)
