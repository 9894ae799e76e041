"""Workers that are killed, stopped and frozen at random moments while events come in."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from chaos.life import Life
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, Verdict, judged, requested
from signalling import send

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, Fault, RunningSandbox, SandboxConfig, sandbox_api
from worker.topics import Plan, create

PARTITIONS = 4
PLAN = Plan(partitions=PARTITIONS, replication_factor=1)
SETTLES_WITHIN = 150
"""Seconds, once the storm is over: sessions end, doubts settle, holds are probed."""
SESSION = {"group.min.session.timeout.ms": "1000"}
"""A broker's property: a dead worker is noticed after some seconds."""
SETTINGS = {
    "WORKER_API__USERNAME": DEFAULT_USER,
    "WORKER_API__PASSWORD": DEFAULT_PASSWORD,
    "WORKER_API__CONNECT_TIMEOUT": "2",
    "WORKER_API__REQUEST_TIMEOUT": "1.5",
    "WORKER_KAFKA__SESSION_TIMEOUT": "2",
    "WORKER_DISPATCH__DRAIN_TIMEOUT": "3",
    "WORKER_HOLD__PROBE_DELAY": "0.1",
    "WORKER_HOLD__MAX_PROBE_DELAY": "1",
    "WORKER_JOURNAL__INTENT_TTL": "1",
    "WORKER_LOG__FORMAT": "json",
    "WORKER_OPS__PORT": "0",
    "WORKER_RECONCILE__ATTEMPTS": "2",
    "WORKER_RECONCILE__SETTLE_DELAY": "0.5",
    "WORKER_RETRY__BASE_DELAY": "0.05",
    "WORKER_RETRY__MAX_ATTEMPTS": "20",
    "WORKER_RETRY__MAX_DELAY": "0.5",
}
LOOK_UP = {"WORKER_RECONCILE__BY": "custom_attribute", "WORKER_RECONCILE__ATTRIBUTE": "externalid"}
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "reply_lost", "match": {"probability": 0.02}},
    {"kind": "status", "status": 503, "match": {"probability": 0.03}},
    {"kind": "status_after", "status": 502, "match": {"probability": 0.01}},
    {"kind": "expire_session", "match": {"probability": 0.01}},
    {"kind": "location_missing", "match": {"probability": 0.01}},
    {"kind": "delay_after", "seconds": 0.4, "match": {"probability": 0.2}},
    {"kind": "delay_before", "seconds": 0.4, "match": {"probability": 0.2}},
    # Carried out when the client has given up; a look-up waits for longer (intent, request, settling).
    {"kind": "delay_before", "seconds": 2.0, "match": {"probability": 0.01}},
    {"kind": "reset", "match": {"probability": 0.01}},
    {"kind": "status", "call": "search", "status": 503, "match": {"probability": 0.1}},
)


@dataclass(frozen=True, slots=True)
class Storm:
    """What is drawn from `seed`; the moments themselves are the machine's."""

    seed: int
    kills: int
    workers: int = 2
    keys: int = 40
    look_up: bool = False
    pause: float = 0.08


@dataclass(slots=True)
class Report:
    """What was done, and what came of it."""

    storm: Storm
    struck: Counter[str]
    published: int
    lives: int
    verdict: Verdict
    problems: list[str]


@dataclass(slots=True)
class Scene:
    """Everything that runs during one storm."""

    storm: Storm
    kafka: str
    sandbox: RunningSandbox
    logs: Path
    tell: Callable[[int], None]
    random: random.Random
    lives: list[Life] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    started: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> Life:
        """A worker; its log is a file of its own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
        pointed = {
            "WORKER_KAFKA__BOOTSTRAP_SERVERS": self.kafka,
            "WORKER_API__BASE_URL": self.sandbox.base_url,
            **(LOOK_UP if self.storm.look_up else {}),
        }
        path = self.logs / f"worker-{self.started:03}.log"
        self.started += 1
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "worker", "run"),
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**inherited, **SETTINGS, **pointed},
            )
        life = Life(process, path)
        self.lives.append(life)
        return life

    async def keep_one(self) -> None:
        """Start a worker whenever the one before it has ended, until the storm is over."""
        while not self.over.is_set():
            life = await self.start()
            code = await life.process.wait()
            if code not in life.expected:
                self.problems.append(f"{life.log.name} ended with {code}, which was not asked for")

    async def publish(self) -> None:
        """Events of many keys, some of them twice, until nothing is killed any more."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka) as producer:
            while not self.calm.is_set():
                again = self.asked and self.random.random() < 0.05
                event_id = self.random.choice(self.asked).event_id if again else f"e{len(self.asked)}"
                number = hash_of(event_id, self.storm.keys)
                key = f"k{number}".encode()
                stored = await producer.send_and_wait(
                    PLAN.requests, requested(event_id), key, number % PARTITIONS, headers=list(STRUCTURED)
                )
                self.asked.append(Asked(stored.partition, stored.offset, event_id, key))
                await asyncio.sleep(self.storm.pause * 2 * self.random.random())

    async def listen(self) -> None:
        """Every terminal event, as it comes."""
        partitions = [TopicPartition(topic, n) for topic in (PLAN.succeeded, PLAN.failed) for n in range(PARTITIONS)]
        async with AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest") as consumer:
            consumer.assign(partitions)
            while True:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    self.told += [orjson.loads(each.value or b"") for each in batch]

    async def strike(self) -> None:
        """Until so many were killed; each time some more events were worked on, or patience was over."""
        while self.struck["SIGKILL"] < self.storm.kills:
            await self._some_work(self.random.randint(1, 15))
            await asyncio.sleep(self.random.random() * 0.1)
            alive = [each for each in self.lives if each.may_be_struck]
            if not alive:
                continue
            life = self.random.choice(alive)
            match self.random.random():
                case drawn if drawn < 0.12:
                    self.struck["SIGTERM"] += 1
                    life.told_to_stop()
                case drawn if drawn < 0.3:
                    self.struck["SIGSTOP"] += 1
                    life.struck(signal.SIGSTOP)
                    asyncio.get_running_loop().call_later(self.random.uniform(0.2, 6), life.thaw)
                case _:
                    self.struck["SIGKILL"] += 1
                    life.struck(signal.SIGKILL, -signal.SIGKILL)
                    self.tell(self.struck["SIGKILL"])

    async def _some_work(self, calls: int) -> None:
        wanted, deadline = len(self.sandbox.ledger) + calls, asyncio.get_running_loop().time() + 6
        while len(self.sandbox.ledger) < wanted and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    async def settle(self) -> None:
        """Every record has its ending, and the group knows; or it is too late."""
        for life in self.lives:
            life.thaw()
        try:
            async with asyncio.timeout(SETTLES_WITHIN):
                while len(self._ended()) < len(self.asked) or await self._uncommitted():
                    await asyncio.sleep(0.3)
        except TimeoutError:
            self.problems.append(f"not everything had ended {SETTLES_WITHIN} s after the storm")

    def _ended(self) -> set[tuple[int, int]]:
        return {(told["data"]["request"]["partition"], told["data"]["request"]["offset"]) for told in self.told}

    async def _uncommitted(self) -> bool:
        ends = Counter(each.partition for each in self.asked)
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka, group_id="customer-worker", enable_auto_commit=False
        ) as consumer:
            places = [TopicPartition(PLAN.requests, number) for number in range(PARTITIONS)]
            consumer.assign(places)
            committed = {place.partition: await consumer.committed(place) for place in places}
            return any((offset or 0) != ends[number] for number, offset in committed.items())

    async def stop(self) -> None:
        """Every worker leaves by itself."""
        for life in self.lives:
            life.told_to_stop()
        await asyncio.wait_for(asyncio.gather(*(each.process.wait() for each in self.lives)), 20)

    def crashes(self) -> list[str]:
        """What a worker's own log calls an error of ours."""
        named = ('"record.crashed"', '"task.crashed"', "Traceback")
        return [
            f"{life.log.name}: {line.strip()[:300]}"
            for life in self.lives
            for line in life.log.read_text(errors="replace").splitlines()
            if any(each in line for each in named)
        ]


def hash_of(event_id: str, keys: int) -> int:
    """The same event always has the same key."""
    return int(event_id[1:]) * 7 % keys


@asynccontextmanager
async def opened(storm: Storm, kafka: str, logs: Path, tell: Callable[[int], None]) -> AsyncIterator[Scene]:
    """Topics, an API with faults, and no worker yet; at the end nothing of it runs."""
    async with admin.opened(Connection(kafka, request_timeout=10)) as client:
        await create(client, PLAN)
    faults = [Fault.model_validate(each) for each in FAULTS]
    config = SandboxConfig(identity_attribute=NOT_LOOKED_AT, visibility_lag=0.2, session_lifetime=20, seed=storm.seed)
    async with sandbox_api(config, faults=faults) as sandbox, AsyncExitStack() as stack:
        scene = Scene(storm, kafka, sandbox, logs, tell, random.Random(storm.seed))  # noqa: S311  repeatable draws
        stack.push_async_callback(_killed, scene)
        yield scene


async def _killed(scene: Scene) -> None:
    scene.over.set()
    for life in scene.lives:
        send(life.process, signal.SIGKILL)
        await life.process.wait()


async def rage(storm: Storm, kafka: str, logs: Path, tell: Callable[[int], None] = lambda _: None) -> Report:
    """The whole storm, on a Kafka that has none of our topics yet."""
    async with opened(storm, kafka, logs, tell) as scene, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(scene.listen())
        publishing = tasks.create_task(scene.publish())
        keeping = [tasks.create_task(scene.keep_one()) for _ in range(storm.workers)]
        await scene.strike()
        scene.calm.set()
        await publishing
        await scene.settle()
        scene.over.set()
        await scene.stop()
        await asyncio.wait(keeping)
        listening.cancel()
        verdict = judged(scene.asked, scene.sandbox.ledger, scene.told)
        problems = [*verdict.problems, *scene.problems, *scene.crashes()]
        _keep_facts(scene, problems)
    return Report(storm, scene.struck, len(scene.asked), len(scene.lives), verdict, problems)


def _keep_facts(scene: Scene, problems: list[str]) -> None:
    ledger = [
        f"{each.time:.3f} {each.identity} {each.customer_id} {each.status}" for each in scene.sandbox.ledger.entries()
    ]
    (scene.logs / "ledger.txt").write_text("\n".join(ledger))
    (scene.logs / "told.ndjson").write_bytes(b"\n".join(map(orjson.dumps, scene.told)))
    (scene.logs / "asked.txt").write_text("\n".join(f"{each} {each.key!r}" for each in scene.asked))
    (scene.logs / "problems.txt").write_text("\n".join(problems))
