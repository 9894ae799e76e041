"""One day from its first event to its facts: the stream, the restarts, and a look at everything every few seconds."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final
from uuid import uuid4

import psutil
from aiokafka import AIOKafkaProducer
from bench.double import Double, double
from bench.machine import Machine, use
from bench.soaking.api import ATTRIBUTE, Counted
from bench.soaking.curves import Sample
from bench.soaking.day import Day
from bench.soaking.ledger import Ledger
from bench.soaking.stream import PARTITIONS, record
from bench.stage import taken
from chaos.fleet import Fleet
from chaos.topics import TOPICS

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.kafka.rights import AskGroup
from worker.model.errors import KafkaUnavailable
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import Plan

WORKERS: Final = 3
ROLLED: Final = (2, 3)
"""The first one works through the whole day, since a leak shows in what is not restarted."""
WHOLE_WITHIN: Final = 120.0
"""Seconds until the next worker's turn comes all the same, although the group is not whole again."""
AWAY, BACK_WITHIN = 2.0, 600.0
UNCLEAN_FOR: Final = 30.0
"""Seconds after Kafka is back in which a stop may still leave something in flight."""
SAMPLES: Final = 1_000
SETTLES_WITHIN: Final = 600.0
PUBLISHES_WITHIN: Final = 180_000
"""Milliseconds that Kafka may be away."""
REQUEST_TIMEOUT: Final = "5"
LEAST_REMEMBERED: Final = 1_000

Tell = Callable[[str], None]


@dataclass(slots=True)
class Soak:
    """Everything that runs during the day."""

    day: Day
    kafka: LocalKafka
    plan: Plan
    group: str
    double: Double
    ledger: Ledger
    fleet: Fleet
    tell: Tell
    began: float = 0.0
    stored: int = 0
    rolled: int = 0
    struck: list[float] = field(default_factory=list)
    """When the broker was restarted."""
    samples: list[Sample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    machine: Machine = field(default_factory=Machine)

    @property
    def passed(self) -> float:
        """Seconds since the day began."""
        return time.monotonic() - self.began

    @property
    def connection(self) -> Connection:
        return Connection(self.kafka.bootstrap_servers, request_timeout=10)

    def begin(self) -> None:
        """The day, for the API too."""
        self.began = time.monotonic()
        self.double.shared[Counted.BEGAN] = time.monotonic_ns()

    async def publish(self) -> None:
        """Every event at its time; what Kafka does not take at once it takes later, in order and once."""
        number, waiting = 0, set[asyncio.Future[object]]()
        async with AIOKafkaProducer(
            bootstrap_servers=self.kafka.bootstrap_servers,
            enable_idempotence=True,
            acks="all",
            linger_ms=20,
            request_timeout_ms=PUBLISHES_WITHIN,
        ) as producer:
            while number < self.day.events:
                for each in range(number, number := self.day.due(self.passed)):
                    sent = record(each)
                    future = await producer.send(self.plan.requests, sent.value, sent.key, sent.partition)
                    waiting.add(future)
                    future.add_done_callback(waiting.discard)
                    future.add_done_callback(self._stored)
                await asyncio.sleep(0.1)
            await asyncio.gather(*waiting, return_exceptions=True)

    def _stored(self, future: asyncio.Future[object]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.stored += 1
        else:
            self.problems.append("Kafka did not take an event")

    async def restart(self) -> None:
        """Everything that the day restarts, each kind one after the other."""
        async with asyncio.TaskGroup() as tasks:
            for what, act in (("workers", self._roll), ("broker", self._restart_broker)):
                tasks.create_task(self._each([each.at for each in self.day.restarts() if each.what == what], act))

    async def _each(self, moments: list[float], act: Callable[[], object]) -> None:
        for at, following in pairwise([*moments, inf]):
            await asyncio.sleep(max(0.0, at - self.passed))
            if following <= self.passed:
                continue  # whoever comes too late leaves it out: a busy machine is not struck all the time
            outcome = act()
            assert asyncio.iscoroutine(outcome)
            await outcome

    async def _roll(self) -> None:
        """As a rolling deploy: a clean stop, and the next one when its successor is at work."""
        for number in ROLLED:
            await self._whole()
            if (life := self.fleet.one(number)) is None:
                continue
            life.stop()
            if not await life.ended():
                self.problems.append(f"{life.log.name} did not end in time")
            self.rolled += 1

    async def _whole(self) -> None:
        """Return when the group has all of its workers and no other member, and has agreed who does what."""
        deadline = time.monotonic() + WHOLE_WITHIN
        while time.monotonic() < deadline:
            with suppress(KafkaUnavailable, TimeoutError):
                async with admin.opened(self.connection, 5.0) as client, client.bounded():
                    told = await client.ask_coordinator(self.group, AskGroup(self.group))
                if (len(told["members"]), told["state"]) == (WORKERS, "Stable"):
                    return
            await asyncio.sleep(1.0)

    async def _restart_broker(self) -> None:
        self.struck.append(self.passed)
        self.fleet.unclean_stops_until = float("inf")
        await self.kafka.stop()
        await asyncio.sleep(AWAY)
        await self.kafka.start()
        self.fleet.unclean_stops_until = time.time() + UNCLEAN_FOR

    # --- what is seen

    async def watch(self) -> None:
        """A sample every few seconds, until it is cancelled."""
        every = max(1.0, self.day.seconds / SAMPLES)
        async with admin.opened(self.connection, 5.0) as client:
            while True:
                shared = use()
                self.samples.append(await self._sample(client))
                await asyncio.sleep(every)
                self.machine.saw(shared, use())

    async def _sample(self, client: admin.Admin) -> Sample:
        committed = await self.committed(client)
        counted = {each.name.lower(): self.double.shared[each] for each in Counted if each is not Counted.BEGAN}
        return Sample(self.passed, self.stored, committed, self.double.creates, self._rss(), counted)

    async def committed(self, client: admin.Admin) -> int | None:
        """Records that the group is done with; None where Kafka does not say."""
        try:
            return sum((await client.committed(self.group, self.plan.requests)).values())
        except (KafkaUnavailable, TimeoutError):
            return None

    def _rss(self) -> dict[tuple[int, int], float]:
        found = {}
        for number, life in self.fleet.at_work.items():
            if life.process.returncode is None and not life.stopping:
                try:
                    rss = psutil.Process(life.process.pid).memory_info().rss
                except psutil.NoSuchProcess:
                    continue
                found[number, self.fleet.lives.index(life)] = rss / 2**20
        return found

    async def settle(self) -> None:
        """Return when the group is done with everything; it is a problem when it is not in time."""
        deadline = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < deadline:
            if self.samples and self.samples[-1].committed == self.stored:
                return
            await asyncio.sleep(0.5)
        self.problems.append(f"the group was not done {SETTLES_WITHIN:.0f} s after the day")

    async def report(self) -> None:
        """A line each simulated hour."""
        for hour in range(1, 25):
            await asyncio.sleep(max(0.0, hour * self.day.hour - self.passed))
            last = self.samples[-1]
            rss = ", ".join(f"{value:.0f}" for _, value in sorted(last.rss.items()))
            self.tell(f"{hour:02}:00  {last.created:,} created, {last.lag} behind, {rss} MiB")


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
    async with LocalKafka(ready_within=BACK_WITHIN) as kafka, double(folder, program) as api:
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
    watching = asyncio.create_task(soak.watch())
    reporting = asyncio.create_task(soak.report())
    soak.fleet.scale(WORKERS)
    soak.begin()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(soak.publish())
        tasks.create_task(soak.restart())
    await soak.settle()
    watching.cancel()
    reporting.cancel()
    await asyncio.gather(watching, reporting, return_exceptions=True)
    await soak.fleet.stop()
