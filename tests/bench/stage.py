"""What all measurements share: one real Kafka, one double of the API, and backlogs that are filled once."""

import shutil
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder
from bench.double import Double, double
from bench.machine import Machine
from bench.payloads import Backlog, value

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import Plan, TopicSpec

TOPICS_WITHIN = 120.0
BATCH = 256 * 1024
HERE = Path(__file__).parents[1]


@dataclass
class Stage:
    """Where everything is measured."""

    kafka: str
    folder: Path
    double: Double
    worker: Mapping[str, str]
    before: Mapping[str, str] | None = None
    machine: Machine = field(default_factory=Machine)
    filled: dict[Backlog, str] = field(default_factory=dict)

    def admin(self) -> AbstractAsyncContextManager[admin.Admin]:
        """For topics; hundreds of partitions take their time."""
        return admin.opened(Connection(self.kafka), TOPICS_WITHIN)

    async def backlog(self, wanted: Backlog) -> str:
        """The topic that holds it, filled at the first call."""
        if wanted not in self.filled:
            topic = f"bench-{uuid4().hex[:8]}.requests"
            async with self.admin() as client:
                await client.create(TopicSpec(topic, wanted.partitions, 1))
            await fill(self.kafka, topic, wanted)
            self.filled[wanted] = topic
        return self.filled[wanted]

    async def forget(self, wanted: Backlog) -> None:
        """A large one is not kept for others."""
        if topic := self.filled.pop(wanted, None):
            async with self.admin() as client:
                await client.delete([topic])

    @asynccontextmanager
    async def topics(self, requests: str) -> AsyncIterator[Plan]:
        """That backlog's topic with four others of their own, which are deleted afterwards."""
        run = f"bench-{uuid4().hex[:8]}"
        plan = Plan(requests, f"{run}.succeeded", f"{run}.failed", f"{run}.dead-letters", f"{run}.journal")
        async with self.admin() as client:
            await create(client, plan)
        try:
            yield plan
        finally:
            await self.delete([name for _, name in plan.names() if name != requests])

    async def delete(self, topics: Collection[str]) -> None:
        """Their records would fill the disk."""
        async with self.admin() as client:
            await client.delete(topics)


async def fill(kafka: str, topic: str, wanted: Backlog, first: int = 0) -> None:
    """Whole batches at once: a million records in about a minute."""
    batches: dict[int, BatchBuilder] = {}
    moment = int(time.time() * 1000)
    async with AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=BATCH) as producer:
        for number in range(first, first + wanted.events):
            key = wanted.key(number)
            place = TopicPartition(topic, key % wanted.partitions)
            content = partial(BatchBuilder.append, timestamp=moment, key=b"k%d" % key, value=value(number, wanted.size))
            batch = batches.get(place.partition)
            if batch is None or content(batch) is None:
                if batch:
                    await producer.send_batch(batch, topic, partition=place.partition)
                batch = batches[place.partition] = producer.create_batch()
                content(batch)
        for partition, batch in batches.items():
            await producer.send_batch(batch, topic, partition=partition)
        await producer.flush()


def taken(checkout: Path, folder: Path) -> dict[str, str]:
    """What makes a process run a copy of that checkout's worker: nobody changes it while it is measured."""
    shutil.copytree(checkout / "worker", folder / "worker", ignore=shutil.ignore_patterns("__pycache__"))
    return {"PYTHONPATH": f"{folder}:{HERE}"}


@asynccontextmanager
async def opened(
    folder: Path, checkout: Path, against: Path | None = None, patience: float = 0.0
) -> AsyncIterator[Stage]:
    """Kafka and the double, gone in the end; the worker of a checkout, and perhaps one of another."""
    worker = taken(checkout, folder / "now")
    before = taken(against, folder / "before") if against else None
    async with LocalKafka() as kafka, double(folder) as api:
        yield Stage(kafka.bootstrap_servers, folder, api, worker, before, Machine(patience))
