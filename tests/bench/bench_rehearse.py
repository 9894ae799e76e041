"""What `rehearse` takes over a full topic, as it is typed. Printed, never asserted.

python tests/bench/bench_rehearse.py [RECORDS [BYTES]]

On a Kafka of its own on this machine, or on the one that WORKER_TEST_KAFKA names. One event in a hundred breaks a rule,
one in two hundred is no JSON, one in a hundred is a repeat, and one record in sixty has the same key.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.bench_verify import connected, publish, say
from bench.payloads import value

from worker.kafka import admin
from worker.kafka.missing_topics import create
from worker.model.records import OutgoingMessage
from worker.topics import Plan

RECORDS, BYTES = 1_000_000, 1_000
PARTITIONS = 6
STRUCTURED = (("content-type", b"application/cloudevents+json"),)


def messages(topic: str, count: int, size: int) -> Iterator[OutgoingMessage]:
    """So many records; each event by its number, good and bad."""
    for number in range(count):
        event = value(number - 501 * PARTITIONS if number % 100 == 7 and number > 10_000 else number, size)
        if number % 100 == 11:
            event = event.replace(b'"individual"', b'"company"')
        elif number % 200 == 13:
            event = event[:-1]
        key = b"hot" if number % (10 * PARTITIONS) == 0 else b"k%d" % number
        yield OutgoingMessage(topic, key, event, STRUCTURED, number % PARTITIONS)


async def bench(count: int, size: int) -> None:
    async with connected() as connection:
        name = f"bench-{uuid4().hex[:8]}"
        plan = Plan(name, f"{name}-ok", f"{name}-failed", f"{name}-letters", f"{name}-journal", PARTITIONS)
        async with admin.opened(connection) as client:
            await create(client, plan)
        started = time.perf_counter()
        await publish(connection, messages(name, count, size))
        say("published in", time.perf_counter() - started, "s")
        for limit in (count // 100, count):
            rehearse(connection.bootstrap_servers, name, limit)
        async with admin.opened(connection) as client:
            await client.delete([name])


def rehearse(servers: str, topic: str, limit: int) -> None:
    """In a process of its own, whose memory and time nothing else is in."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("WORKER_")}
    ours = {"WORKER_KAFKA__BOOTSTRAP_SERVERS": servers, "WORKER_TOPICS__REQUESTS": topic}
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    typed = (sys.executable, "-m", "worker", "rehearse", "--tolerate", "2", "--limit", str(limit))
    subprocess.run(typed, env=inherited | ours, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(f"{limit:,} records rehearsed in", time.perf_counter() - started, "s")
    say("of which on the processor", after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "s")
    say("largest memory", after.ru_maxrss / 1024, "MiB")


if __name__ == "__main__":
    records, large = [*map(int, sys.argv[1:]), *(RECORDS, BYTES)[len(sys.argv) - 1 :]]
    asyncio.run(bench(records, large))
