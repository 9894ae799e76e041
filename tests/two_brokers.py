"""A Kafka of two brokers: the first is the controller as well, the second may be stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import NamedTuple

from aiokafka.errors import BrokerResponseError
from patience import PATIENCE

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.sandbox.kafka_directory import new_cluster
from worker.sandbox.kafka_probe import free_port
from worker.sandbox.kafka_properties import HOST
from worker.sandbox.local_kafka import LocalKafka

SHARED = {
    # A new leader is chosen soon after a broker was killed.
    "broker.session.timeout.ms": "2000",
    "default.replication.factor": "2",
    "offsets.topic.replication.factor": "2",
    # Leaders move back to a returned broker within seconds, instead of five minutes.
    "leader.imbalance.check.interval.seconds": "1",
    "leader.imbalance.per.broker.percentage": "0",
}
SECOND = 2


class Brokers(NamedTuple):
    """Both brokers; the second leads about half of the partitions and coordinates about half of the groups."""

    first: LocalKafka
    second: LocalKafka

    async def group_of_second(self, prefix: str) -> str:
        """The name of a group that the second broker coordinates."""
        async with admin.opened(Connection(self.first.bootstrap_servers)) as client, asyncio.timeout(PATIENCE):
            for number in count():
                # The first question creates the topic of offsets, and may fail meanwhile.
                with suppress(BrokerResponseError):
                    if await client.client.find_coordinator(f"{prefix}-{number}") == SECOND:
                        break
                await asyncio.sleep(0.05)
        return f"{prefix}-{number}"

    async def led_by_second(self, *topics: str) -> int:
        """How many partitions of these topics the second broker leads now."""
        async with admin.opened(Connection(self.first.bootstrap_servers)) as client, client.bounded():
            described = await client.client.describe_topics(list(topics))
        return sum(part["leader"] == SECOND for topic in described for part in topic["partitions"])


@asynccontextmanager
async def two_brokers() -> AsyncIterator[Brokers]:
    """Both brokers, once each knows the other."""
    controller, *ports = (free_port() for _ in range(3))
    shared = {**SHARED, "controller.quorum.voters": f"1@{HOST}:{controller}"}
    listeners = [f"PLAINTEXT://{HOST}:{port}" for port in ports]
    of_first = {**shared, "listeners": f"{listeners[0]},CONTROLLER://{HOST}:{controller}"}
    of_second = {**shared, "listeners": listeners[1], "process.roles": "broker", "node.id": str(SECOND)}
    one_cluster = ["--cluster-id", new_cluster()]
    first = LocalKafka(port=ports[0], properties=of_first, format_options=one_cluster)
    second = LocalKafka(port=ports[1], properties=of_second, format_options=one_cluster)
    try:
        await asyncio.gather(first.start(), second.start())
        await _met(first)
        yield Brokers(first, second)
    finally:
        await asyncio.gather(first.close(), second.close())


async def _met(first: LocalKafka) -> None:
    async with admin.opened(Connection(first.bootstrap_servers)) as client, asyncio.timeout(PATIENCE):
        while (await client.cluster([])).brokers < SECOND:
            await asyncio.sleep(0.05)
