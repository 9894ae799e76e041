"""One day from its first event to the last worker's end."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from bench.double import double
from bench.soaking.api import ATTRIBUTE
from bench.soaking.day import Day
from bench.soaking.ledger import Ledger
from bench.soaking.restarting import WORKERS, restart
from bench.soaking.soak import Soak, Tell
from bench.soaking.stream import PARTITIONS, record
from bench.soaking.watching import watch
from bench.stage import taken
from chaos.fleet import Fleet
from chaos.topics import TOPICS

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import Plan

BACK_WITHIN: Final = 600.0
PATIENT: Final = {"broker.session.timeout.ms": "18000", "broker.heartbeat.interval.ms": "1000"}
"""On a machine that is busy a broker that says nothing for a second is not gone."""
SETTLES_WITHIN: Final = 600.0
PUBLISHES_WITHIN: Final = 900_000
"""Milliseconds that Kafka may be away."""
REQUEST_TIMEOUT: Final = "5"
LEAST_REMEMBERED: Final = 1_000


async def publish(soak: Soak) -> None:
    """Every event at its time; what Kafka does not take at once it takes later, in order and once."""
    waiting = set[asyncio.Future[object]]()
    async with AIOKafkaProducer(
        bootstrap_servers=soak.kafka.bootstrap_servers,
        enable_idempotence=True,
        acks="all",
        linger_ms=20,
        request_timeout_ms=PUBLISHES_WITHIN,
    ) as producer:
        while soak.published < soak.day.events and not soak.over.is_set():
            for _ in range(soak.published, soak.day.due(soak.passed)):
                sent = record(soak.published)
                soak.published += 1
                future = await producer.send(soak.plan.requests, sent.value, sent.key, sent.partition)
                waiting.add(future)
                future.add_done_callback(waiting.discard)
                future.add_done_callback(partial(_stored, soak))
            await asyncio.sleep(0.1)
        await asyncio.gather(*waiting, return_exceptions=True)


def _stored(soak: Soak, future: asyncio.Future[object]) -> None:
    if not future.cancelled() and future.exception() is None:
        soak.stored += 1
    else:
        soak.problems.append("Kafka did not take an event")


async def settle(soak: Soak) -> None:
    """Return when the group is done with everything; it is a problem when it is not in time."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while time.monotonic() < deadline:
        if soak.samples and soak.samples[-1].committed == soak.stored:
            return
        await asyncio.sleep(0.5)
    soak.problems.append(f"the group was not done {SETTLES_WITHIN:.0f} s after the day")


async def report(soak: Soak) -> None:
    """A line each simulated hour."""
    for hour in range(1, 25):
        await asyncio.sleep(max(0.0, hour * soak.day.hour - soak.passed))
        last = soak.samples[-1]
        rss = ", ".join(f"{value:.0f}" for _, value in sorted(last.rss.items()))
        soak.tell(f"{hour:02}:00  {last.created:,} created, {last.lag} behind, {rss} MiB")


def settings(day: Day, kafka: str, api: str, plan: Plan, group: str) -> dict[str, str]:
    """The defaults but for what a day of two hours needs: doubts are asked for soon, and an hour is remembered."""
    return {
        **dict(plan.names()),
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "WORKER_KAFKA__GROUP_ID": group,
        "WORKER_API__BASE_URL": api,
        "WORKER_API__USERNAME": "soak",
        "WORKER_API__PASSWORD": "soak",
        "WORKER_API__REQUEST_TIMEOUT": REQUEST_TIMEOUT,
        "WORKER_JOURNAL__INTENT_TTL": "5",
        # So that it is full, and memory has its size, long before the day's end; repeats come sooner than that.
        "WORKER_JOURNAL__MAX_ENTRIES": str(max(LEAST_REMEMBERED, day.events // PARTITIONS // 24)),
        "WORKER_RECONCILE__BY": "custom_attribute",
        "WORKER_RECONCILE__ATTRIBUTE": ATTRIBUTE,
        "WORKER_RECONCILE__SETTLE_DELAY": "2",
        "WORKER_HOLD__MAX_PROBE_DELAY": "5",
        "WORKER_LOG__FORMAT": "json",
        "WORKER_LOG__LEVEL": "warning",
        "WORKER_OPS__PORT": "0",
    }


@asynccontextmanager
async def opened(day: Day, folder: Path, checkout: Path, tell: Tell) -> AsyncIterator[Soak]:
    """Kafka, topics and the API, and no worker yet; at the end nothing of it runs."""
    prefix = f"soak-{uuid4().hex[:6]}"
    requests, succeeded, failed, dead_letters, journal = [f"{prefix}.{each}" for each in TOPICS]
    plan = Plan(requests, succeeded, failed, dead_letters, journal, partitions=PARTITIONS, replication_factor=1)
    ledger = Ledger.made(folder / "ledger", day.events)
    program = [sys.executable, "-m", "bench.soaking.api", str(folder / "ledger"), str(day.events), str(day.seconds)]
    async with LocalKafka(ready_within=BACK_WITHIN, properties=PATIENT) as kafka, double(folder, program) as api:
        async with admin.opened(Connection(kafka.bootstrap_servers)) as client:
            await create(client, plan)
        told = settings(day, kafka.bootstrap_servers, api.url, plan, f"{prefix}.group") | taken(checkout, folder)
        fleet = Fleet(told, folder)
        try:
            yield Soak(day, kafka, plan, f"{prefix}.group", api, ledger, fleet, tell)
        finally:
            await fleet.kill()


async def play(soak: Soak) -> None:
    """The day, until the group is done with it and every worker has left by itself."""
    watching = asyncio.create_task(watch(soak))
    reporting = asyncio.create_task(report(soak))
    soak.fleet.scale(WORKERS)
    soak.begin()
    async with asyncio.TaskGroup() as tasks:
        restarting = tasks.create_task(restart(soak))
        await publish(soak)
        if soak.over.is_set():
            restarting.cancel()
    await soak.kafka.start()
    await settle(soak)
    watching.cancel()
    reporting.cancel()
    await asyncio.gather(watching, reporting, return_exceptions=True)
    await soak.fleet.stop()
