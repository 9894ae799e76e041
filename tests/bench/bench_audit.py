"""What `verify --follow` takes to catch up with a full topic. Printed, never asserted.

PYTHONPATH=tests python -m bench.bench_audit [RECORDS]

On a Kafka of its own on this machine, or on the one that WORKER_TEST_KAFKA names.
"""

import asyncio
import resource
import sys
import time
from uuid import uuid4

from bench.bench_verify import PARTITIONS, RECORDS, commit, connected, messages, publish, say

from worker.kafka import admin
from worker.kafka.missing_topics import create
from worker.settings.settings import Settings
from worker.tools.audit.follow import following
from worker.topics import Plan


async def bench(count: int) -> None:
    async with connected() as connection:
        name = f"bench-{uuid4().hex[:8]}"
        plan = Plan(name, f"{name}-ok", f"{name}-failed", f"{name}-letters", f"{name}-journal", PARTITIONS)
        async with admin.opened(connection) as client:
            await create(client, plan)
        await publish(connection, messages(plan, count))
        await commit(connection, plan, "bench", count)
        names = {setting.rpartition("__")[2].lower(): name for setting, name in plan.names()}
        kafka = {"bootstrap_servers": connection.bootstrap_servers, "group_id": "bench"}
        settings = Settings.model_validate({"kafka": kafka, "topics": names, "ops": {"port": 0}})
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, spent = time.perf_counter(), time.process_time()
        async with following(settings) as (_, audit):
            while sum(audit.judge.judged.values()) < count:
                await asyncio.sleep(0.05)
            taken, spent = time.perf_counter() - started, time.process_time() - spent
        say(f"{count:,} requests judged in", taken, "s")
        say("of which on the processor", spent, "s")
        say("which is", count / taken, "requests/s")
        say("and of a whole core", count / spent, "requests/s")
        say("largest memory, before it", before / 1024, "MiB")
        say("largest memory, after it", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
        say("findings", sum(audit.counts.values()), "")


if __name__ == "__main__":
    asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS))
