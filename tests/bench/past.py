"""A group with a past: what is committed, and a journal that knows of it."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from bench.payloads import Backlog
from bench.processes import Running, running, worker_settings
from bench.stage import Stage

from worker.journal.entries import EntryKey, Finished, encode
from worker.kafka import bulk
from worker.kafka.connection import Connection
from worker.model.outcomes import Succeeded
from worker.model.records import OutgoingMessage

AHEAD = 5_000


async def remember(stage: Stage, journal: str, partitions: int, entries: int) -> None:
    """As many events of each partition, finished one after another."""
    writer = uuid4().hex[:12]
    async with bulk.opened(Connection(stage.kafka), unacknowledged=AHEAD) as publisher:
        for number in range(entries):
            key = EntryKey(UUID(int=random.getrandbits(128)), number // partitions, writer).encode()
            made = str(280_000 + number)
            done = Succeeded(made, f"/system/ws/v12/interaction/customer/{made}", "individual", 1)
            message = OutgoingMessage(journal, key, encode(Finished(done)), partition=number % partitions)
            await publisher.hand_over(message)
        await publisher.flush()


async def commit(stage: Stage, group: str, requests: str, partitions: int, offset: int) -> None:
    """For a group that nobody has joined yet."""
    async with AIOKafkaConsumer(bootstrap_servers=stage.kafka, group_id=group, enable_auto_commit=False) as consumer:
        places = [TopicPartition(requests, number) for number in range(partitions)]
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, offset))


@asynccontextmanager
async def worker_with_past(stage: Stage, backlog: Backlog, entries: int) -> AsyncIterator[list[Running]]:
    """It goes on behind what its journal has, with what is left of the backlog."""
    requests = await stage.backlog(backlog)
    async with stage.topics(requests) as plan:
        environment = {**stage.worker, **worker_settings(stage, backlog), **dict(plan.names())}
        done = entries // backlog.partitions
        await remember(stage, plan.journal, backlog.partitions, done * backlog.partitions)
        await commit(stage, environment["WORKER_KAFKA__GROUP_ID"], requests, backlog.partitions, done)
        async with running(stage.folder, ["-m", "worker", "run"], environment) as process:
            yield [process]
