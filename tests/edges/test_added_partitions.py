"""Partitions are added to a topic while a group reads it, on a real Kafka."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

from added_partitions import add_partitions
from aiokafka.admin import AIOKafkaAdminClient
from grouped import Given, member
from patience import until

from worker.kafka import added


@asynccontextmanager
async def polling(source):
    over = asyncio.Event()

    async def poll():
        while not over.is_set():
            await source.poll([], within=0.1, at_most=1)

    async with asyncio.TaskGroup() as group:
        group.create_task(poll())
        try:
            yield
        finally:
            over.set()


async def test_a_leader_that_is_begun_again(connection, topic, monkeypatch):
    """The leader, a static member, is started again within its session; partitions added later are assigned too."""
    monkeypatch.setattr(added, "LOOK_EVERY", 1.0)
    async with AsyncExitStack() as first, AsyncExitStack() as others:
        await first.enter_async_context(member(connection, topic, name="leader"))
        beside, leader = Given(), Given()
        source, _ = await others.enter_async_context(member(connection, topic, beside, name="other"))
        await first.aclose()
        again, _ = await others.enter_async_context(member(connection, topic, leader, name="leader"))
        async with polling(source), polling(again):
            await until(lambda: leader.partitions | beside.partitions == {0, 1})
            client = AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap_servers)
            await client.start()
            await add_partitions(client, topic, 3)
            await client.close()
            await until(lambda: leader.partitions | beside.partitions == {0, 1, 2})
