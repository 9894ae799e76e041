"""What `verify --follow` takes to catch up with a full topic, and whether it finds what is wrong in it.

PYTHONPATH=tests python -m bench.bench_audit [--records N] [--faults N]

Of each kind so many faults are planted: it ends with 1 where the audit, or `verify`, misses one or finds another. On a
Kafka of its own on this machine, or on the one that WORKER_TEST_KAFKA names.
"""

import argparse
import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable
from uuid import uuid4

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from bench.bench_verify import RECORDS, commit, connected, publish, say
from bench.planting import BODY, PARTITIONS, Planting, Told, told

from worker import logs
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.model.records import OutgoingMessage
from worker.settings.settings import Settings
from worker.tools.audit import found as kinds
from worker.tools.audit.follow import Audit, following
from worker.tools.audit.found import Found
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import verified
from worker.topics import Plan

ALONE = PARTITIONS
"""A partition of which the first records are deleted before the group came to them."""


async def plant(connection: Connection, planting: Planting) -> set[Told]:
    """Everything is published and committed; what is to be found."""
    plan, faults = planting.plan, planting.faults
    await publish(connection, planting.messages())
    unread = [OutgoingMessage(plan.requests, b"k", BODY, partition=ALONE) for _ in range(2 * faults)]
    await publish(connection, iter(unread))
    await commit(connection, plan.requests, "bench", planting.ends | {ALONE: 0})
    client = AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap_servers)
    await client.start()
    await client.delete_records({TopicPartition(plan.requests, ALONE): RecordsToDelete(before_offset=faults)})
    await client.close()
    return planting.expected() | {(kinds.UNREAD, frozenset({f"{ALONE}@{offset}"})) for offset in range(faults)}


async def audited(settings: Settings, count: int) -> list[Found]:
    """What it finds until everything is judged, with what that took."""
    found: list[Found] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, spent = time.perf_counter(), time.process_time()
    async with following(settings) as (_, audit):
        audit.judge.tell = _heard(audit, found)
        while sum(offset for number, offset in audit.judge.judged.items() if number != ALONE) < count:
            await asyncio.sleep(0.05)
        taken, spent = time.perf_counter() - started, time.process_time() - spent
    say(f"{count:,} requests judged in", taken, "s")
    say("of which on the processor", spent, "s")
    say("which is", count / taken, "requests/s")
    say("and of a whole core", count / spent, "requests/s")
    say("largest memory, before it", before / 1024, "MiB")
    say("largest memory, after it", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
    return found


def _heard(audit: Audit, found: list[Found]):
    def tell(each: Found) -> None:
        found.append(each)
        audit.tell(each)

    return tell


def compare(expected: set[Told], found: Iterable[Found]) -> bool:
    """Whether each was found, once, and nothing else."""
    heard = Counter(each for one in found for each in told(one))
    for kind, count in sorted(Counter(kind for kind, _ in heard).items()):
        say(kind, count, "found")
    missed, invented = expected - heard.keys(), heard.keys() - expected
    again = [each for each, times in heard.items() if times > 1]
    for what, which in (("missed", missed), ("invented", invented), ("told again", again)):
        say(what, len(which), ", ".join(f"{kind} {sorted(places)}" for kind, places in list(which)[:5]))
    return not (missed or invented or again)


async def verify_agrees(settings: Settings, expected: set[Told]) -> bool:
    """Whether `verify` counts as many of each kind over the whole."""
    report = await verified(settings, Asked())
    counted = {each.kind: each.count for each in report.findings}
    planted = Counter(kind for kind, _ in expected)
    say("kinds that verify counts otherwise", len(dict(planted.items() ^ counted.items())), "")
    return counted == dict(planted)


async def bench(count: int, faults: int) -> bool:
    async with connected() as connection:
        name = f"bench-{uuid4().hex[:8]}"
        plan = Plan(name, f"{name}-ok", f"{name}-failed", f"{name}-letters", f"{name}-journal", PARTITIONS + 1)
        async with admin.opened(connection) as client:
            await create(client, plan)
        expected = await plant(connection, Planting(plan, count, faults))
        names = {setting.rpartition("__")[2].lower(): name for setting, name in plan.names()}
        kafka = {"bootstrap_servers": connection.bootstrap_servers, "group_id": "bench"}
        settings = Settings.model_validate({"kafka": kafka, "topics": names, "ops": {"port": 0}})
        found = await audited(settings, count)
        return compare(expected, found) & await verify_agrees(settings, expected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=RECORDS, help=f"requests in the topic ({RECORDS:,})")
    parser.add_argument("--faults", type=int, default=10, help="planted of each kind (10)")
    options = parser.parse_args()
    logs.configure("critical", "json")
    sys.exit(not asyncio.run(bench(options.records, options.faults)))


if __name__ == "__main__":
    main()
