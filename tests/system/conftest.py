"""What a system test runs on: topics on the shared Kafka, a sandbox API in this process, workers as own processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from mortal import mortal
from patience import PATIENCE
from signalling import send
from thread_states import thread_states
from whole_logs import read_whole

from worker.kafka import admin
from worker.kafka.connection import Connection, opened
from worker.kafka.missing_topics import create
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, Fault, RunningSandbox, SandboxConfig, sandbox_api
from worker.topics import LARGEST, Plan

if TYPE_CHECKING:
    from playwright.async_api import Browser

DEADLINE = PATIENCE
AT_ONCE = 4
PLAY_WITHIN = 2 * PATIENCE
LAUNCH = Path(__file__).with_name("launch.py")
HURRY = {
    "WORKER_API__REQUEST_TIMEOUT": "2",
    "WORKER_DISPATCH__DRAIN_TIMEOUT": "4",
    "WORKER_JOURNAL__INTENT_TTL": "1",
    "WORKER_KAFKA__SESSION_TIMEOUT": "6",
    "WORKER_RECONCILE__ATTEMPTS": "2",
    "WORKER_RECONCILE__SETTLE_DELAY": "0.3",
}
LOOK_UP = {"WORKER_RECONCILE__BY": "custom_attribute", "WORKER_RECONCILE__ATTRIBUTE": "externalid"}
Line = dict[str, Any]


class Process:
    """A `customer-worker` command that runs; `lines` is its log as parsed JSON, `text` whatever else it printed."""

    def __init__(self, process: asyncio.subprocess.Process):
        self.process = process
        self.lines: list[Line] = []
        self.text: list[str] = []
        self._changed = asyncio.Event()
        self._reading = asyncio.gather(self._read(process.stdout), self._read(process.stderr))

    async def _read(self, stream):
        while line := await stream.readline():
            try:
                self.lines.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                self.text.append(line.decode().rstrip())
            self._changed.set()

    async def until(self, event: str, count: int = 1, **facts) -> list[Line]:
        """Wait until the log has `count` lines of that event with those facts, and return them."""
        try:
            async with asyncio.timeout(DEADLINE):
                while len(found := self.of(event, **facts)) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"no {event} {facts} within {DEADLINE} s; {self.last_lines()}") from None
        return found

    def last_lines(self) -> str:
        """The end of its output, to be shown when a test fails."""
        return "\n".join(["the last lines:", *map(str, self.lines[-20:]), *self.text[-20:]])

    def of(self, event: str, **facts) -> list[Line]:
        return [line for line in self.lines if line.get("event") == event and facts.items() <= line.items()]

    def send(self, number: signal.Signals) -> None:
        send(self.process, number)

    async def once(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition, which the worker brings about, is true."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not condition():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"it did not come about within {DEADLINE} s; {self.last_lines()}") from None

    async def ended(self) -> int:
        """Wait for its end and return the exit code; all of its output has been read then."""
        async with asyncio.timeout(DEADLINE):
            code = await self.process.wait()
            await self._reading
        return code

    async def frozen(self) -> None:
        """Return once a SIGSTOP has stopped the process."""
        async with asyncio.timeout(DEADLINE):
            while thread_states(self.process.pid) != {"T"}:
                await asyncio.sleep(0.02)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.send(number)
        return await self.ended()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator["Browser"]:
    """One browser for all tests of this test process; each visit has cookies and storage of its own."""
    from browsing import chromium  # noqa: PLC0415  what it imports is looked for only where a browser is needed

    async with chromium() as opened:
        yield opened


@dataclass
class World:
    """What one test works with; `plan` names topics that no other test uses."""

    kafka: str
    plan: Plan
    stack: AsyncExitStack
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def connection(self) -> Connection:
        return Connection(self.kafka, request_timeout=10)

    def hurry(self, *, look_up: bool = False, **settings: str) -> None:
        """Short waits, for tests in which a worker dies or an answer is lost; a busy machine may miss them."""
        self.environment |= HURRY | (LOOK_UP if look_up else {}) | settings

    async def topics(self, **changes) -> None:
        async with admin.opened(self.connection) as client:
            await create(client, replace(self.plan, **changes))

    async def sandbox(self, *faults, **config) -> RunningSandbox:
        """Start a sandbox API that answers from now on."""
        given = [Fault.model_validate(fault) for fault in faults]
        sandbox = await self.stack.enter_async_context(sandbox_api(SandboxConfig(**config), faults=given))
        self.environment["WORKER_API__BASE_URL"] = sandbox.base_url
        return sandbox

    async def start(self, *arguments: str, cwd: Path | None = None, **settings: str) -> Process:
        """Start a command as its own process, set up by environment variables; without arguments it is `run`."""
        return await self._process("-m", "worker", *(arguments or ("run",)), cwd=cwd, **settings)

    async def launch(self, step: str, side: str, sent: signal.Signals, nth: int = 1, **settings: str) -> Process:
        """Start `run` so that it gets that signal at that step (see launch.py)."""
        return await self._process(str(LAUNCH), step, side, str(nth), sent.name, cwd=None, **settings)

    async def _process(self, *arguments: str, cwd: Path | None = None, **settings: str) -> Process:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
        process = await asyncio.create_subprocess_exec(
            *mortal(sys.executable, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**inherited, **self.environment, **settings},
            cwd=cwd,
        )
        self.stack.push_async_callback(_killed, process)
        return Process(process)

    async def publish(
        self, *values: bytes | None, key: bytes | None = None, headers=(), partition=0, topic=None, **options
    ) -> None:
        made = AIOKafkaProducer(bootstrap_servers=self.kafka, max_request_size=LARGEST, **options)
        async with opened(made, self.connection, DEADLINE) as producer:
            for value in values:
                await asyncio.wait_for(
                    producer.send_and_wait(topic or self.plan.requests, value, key, partition, headers=list(headers)),
                    DEADLINE,
                )

    async def read(self, topic: str, at_least: int = 0) -> list[ConsumerRecord[bytes, bytes]]:
        """All records of a topic, read once there are at least `at_least`."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest")
        async with asyncio.timeout(DEADLINE), opened(reader, self.connection, DEADLINE) as consumer:
            partitions = [TopicPartition(topic, number) for number in range(self.plan.partitions)]
            await read_whole(consumer, partitions)
            ends = await consumer.end_offsets(partitions)
            records: list[ConsumerRecord[bytes, bytes]] = []
            while len(records) < max(at_least, sum(ends.values())):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
        return records

    async def events(self, topic: str, at_least: int = 0) -> list[Line]:
        return [orjson.loads(record.value or b"") for record in await self.read(topic, at_least)]

    async def committed(self, group: str | None = None) -> dict[int, int | None]:
        """The offset that the group has committed, by partition, as Kafka tells it."""
        group = group or self.environment["WORKER_KAFKA__GROUP_ID"]
        member = AIOKafkaConsumer(bootstrap_servers=self.kafka, group_id=group, enable_auto_commit=False)
        async with opened(member, self.connection, DEADLINE) as consumer:
            partitions = [TopicPartition(self.plan.requests, number) for number in range(2)]
            consumer.assign(partitions)
            return {each.partition: await asyncio.wait_for(consumer.committed(each), DEADLINE) for each in partitions}


async def _killed(process: asyncio.subprocess.Process) -> None:
    send(process, signal.SIGKILL)
    await process.wait()


@pytest.fixture
async def world(kafka: str, unique: str) -> AsyncIterator[World]:
    """A world without topics and API: the test makes what it needs."""
    async with opened_world(kafka, unique) as opened:
        yield opened


@pytest.fixture(scope="session")
def world_on() -> Callable[[str, str], AbstractAsyncContextManager[World]]:
    """Opens a world on another Kafka than the shared one."""
    return opened_world


@pytest.fixture(scope="session")
def worlds(kafka: str) -> Callable[[], AbstractAsyncContextManager[World]]:
    """Opens a world on the shared Kafka; several may be open at once."""
    return lambda: opened_world(kafka, f"t-{uuid4().hex[:12]}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(
    request: pytest.FixtureRequest, worlds: Callable[[], AbstractAsyncContextManager[World]]
) -> AsyncIterator[dict[str, asyncio.Task[Any]]]:
    """What the module's `play(world, case)` returns, as a task by the name of each `case`; each has its own world."""
    some = asyncio.Semaphore(AT_ONCE)

    async def play(case: object) -> Any:
        async with some, worlds() as world, asyncio.timeout(PLAY_WITHIN):
            return await request.module.play(world, case)

    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    cases = [call.params["case"] for call in calls if call and "case" in call.params]
    tasks = {str(case): asyncio.create_task(play(case), name=str(case)) for case in cases}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@asynccontextmanager
async def opened_world(kafka: str, unique: str) -> AsyncIterator[World]:
    """A world whose topics begin with `unique`."""
    plan = Plan(
        f"{unique}.requests",
        f"{unique}.succeeded",
        f"{unique}.failed",
        f"{unique}.dead-letters",
        f"{unique}.journal",
        partitions=2,
    )
    environment = {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "WORKER_KAFKA__GROUP_ID": f"{unique}-group",
        "WORKER_API__USERNAME": DEFAULT_USER,
        "WORKER_API__PASSWORD": DEFAULT_PASSWORD,
        "WORKER_RETRY__BASE_DELAY": "0.05",
        "WORKER_HOLD__PROBE_DELAY": "0.2",
        "WORKER_OPS__PORT": "0",
        **dict(plan.names()),
    }
    async with AsyncExitStack() as stack:
        yield World(kafka, plan, stack, environment)
