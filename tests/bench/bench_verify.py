"""What `verify` takes over a full topic. Printed, never asserted.

PYTHONPATH=tests python -m bench.bench_verify [RECORDS]

On a Kafka of its own on this machine, or on the one that WORKER_TEST_KAFKA names.
"""

import asyncio
import os
import resource
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder
from bench.planting import PARTITIONS, Planting

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.model.records import OutgoingMessage
from worker.sandbox.local_kafka import LocalKafka
from worker.settings.settings import Settings
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified
from worker.topics import Plan

RECORDS = 1_000_000


def say(what: str, value: float, unit: str) -> None:
    print(f"{what:44} {value:12,.1f} {unit}", flush=True)  # noqa: T201  # a report


def fits(batch: BatchBuilder, message: OutgoingMessage) -> bool:
    """Whether it had room, and took it."""
    headers = list(message.headers)
    return batch.append(timestamp=None, key=message.key, value=message.value, headers=headers) is not None


async def publish(connection: Connection, given: Iterator[OutgoingMessage]) -> None:
    """In batches that are filled here, which is several times faster than message by message."""
    async with AIOKafkaProducer(**connection.arguments(), acks="all", max_request_size=1 << 20) as producer:
        batches: dict[tuple[str, int], BatchBuilder] = {}
        pending: deque[asyncio.Future[object]] = deque()

        async def ship(place: tuple[str, int]) -> None:
            pending.append(await producer.send_batch(batches.pop(place), place[0], partition=place[1]))
            while len(pending) > 20:
                await pending.popleft()

        for number, message in enumerate(given):
            place = message.topic, number % PARTITIONS if message.partition is None else message.partition
            if not fits(batches.setdefault(place, producer.create_batch()), message):
                await ship(place)
                fits(batches.setdefault(place, producer.create_batch()), message)
        for place in list(batches):
            await ship(place)
        await asyncio.gather(*pending)


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    if named := os.environ.get("WORKER_TEST_KAFKA"):
        yield Connection(named)
        return
    async with LocalKafka() as kafka:
        yield Connection(kafka.bootstrap_servers)


async def commit(connection: Connection, topic: str, group: str, offsets: Mapping[int, int]) -> None:
    """As a worker that is done."""
    consumer = AIOKafkaConsumer(**connection.arguments(), group_id=group, enable_auto_commit=False)
    await consumer.start()
    ends = {TopicPartition(topic, number): offset for number, offset in offsets.items()}
    consumer.assign(list(ends))
    await consumer.commit(ends)
    await consumer.stop()


async def bench(count: int) -> None:
    async with connected() as connection:
        name = f"bench-{uuid4().hex[:8]}"
        plan = Plan(name, f"{name}-ok", f"{name}-failed", f"{name}-letters", f"{name}-journal", PARTITIONS)
        async with admin.opened(connection) as client:
            await create(client, plan)
        started = time.perf_counter()
        planting = Planting(plan, count)
        await publish(connection, planting.messages())
        say("published in", time.perf_counter() - started, "s")
        await commit(connection, plan.requests, "bench", planting.ends)
        names = {setting.rpartition("__")[2].lower(): name for setting, name in plan.names()}
        settings = Settings.model_validate(
            {"kafka": {"bootstrap_servers": connection.bootstrap_servers, "group_id": "bench"}, "topics": names}
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, spent = time.perf_counter(), time.process_time()
        report = await verified(settings, Asked())
        taken, spent = time.perf_counter() - started, time.process_time() - spent
        say(f"{count:,} requests verified in", taken, "s")
        say("of which on the processor", spent, "s")
        say("which is", count / taken, "requests/s")
        say("largest memory, before it", before / 1024, "MiB")
        say("largest memory, after it", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
        for line in report.lines():
            print(line)  # noqa: T201  # a report


if __name__ == "__main__":
    asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS))
