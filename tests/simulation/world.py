"""Everything outside the workers, and the workers themselves, in virtual time."""

import asyncio
import hashlib
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

import orjson
import typer
from aiokafka.producer.message_accumulator import BatchBuilder

from worker import app, wiring
from worker.creation.holds import Holds
from worker.measures import Measures
from worker.model.errors import Draining, StartupError
from worker.ops.watch import Watch
from worker.settings.settings import Settings
from worker.steps import Trails
from worker.stopping import Stopping
from worker.topics import Cluster as Known
from worker.topics import wanted

from .api import Api
from .broker.cluster import Cluster
from .broker.network import Network
from .calls import pooled
from .listening import Listener, listening
from .loop import EPOCH, HERE, Machine, VirtualLoop
from .ordered import in_order
from .processes import Assignor

NODES = (1, 2, 3)
RESTARTED_AFTER = 5.0
"""By whatever supervises a worker that refuses to start before a topic is there, or is large enough."""
REMEDIES = ("topics create", "topics grow")
FETCH_WAIT = 1.0
"""Seconds: what is new is answered at once, and the worker's own tenth of a second would fill the idle hours."""
BOOTSTRAP = [f"broker-{node}:9092" for node in NODES]


@dataclass(eq=False)
class Worker:
    """One process: its machine, what tells it to stop, and how it ended."""

    machine: Machine
    task: asyncio.Task[bool]
    stopping: Stopping
    holds: Holds
    watch: Watch
    name: str | None
    """As a static member of the group."""
    doomed: bool = False
    """Whether it is killed before long, and nobody begins it again."""


@dataclass(eq=False)
class World:
    """`random` is the story's own; parts that draw have generators of their own, so that one fault moves no other."""

    random: Random
    loop: VirtualLoop
    cluster: Cluster
    network: Network
    api: Api
    listener: Listener
    workers: list[Worker] = field(default_factory=list)
    people: list[Machine] = field(default_factory=list)
    """On which they type their commands."""

    def alive(self) -> list[Worker]:
        """Those that were not killed and did not end after a stop."""
        return [
            each for each in self.workers if not each.machine.dead and not (each.stopping.is_set() and each.task.done())
        ]

    def kill(self, worker: Worker) -> None:
        """As its machine."""
        self.kill_machine(worker.machine)

    def kill_machine(self, machine: Machine) -> None:
        """It is gone, and with it its connections."""
        self.loop.kill(machine)
        for each in [each for each in self.network.connections if each.machine is machine]:
            each.gone()

    def fingerprint(self) -> str:
        """Of every byte in the logs and every call that the API carried out."""
        told = hashlib.sha256(repr((self.loop.steps, self.loop.time(), self.api.ledger)).encode())
        for name, topic in sorted(self.cluster.topics.items()):
            for log in topic.logs:
                told.update(f"{name} {log.start} {log.end}".encode())
                for batch in log.batches:
                    told.update(batch.raw)
        return told.hexdigest()

    def make_topics(self, settings: Settings) -> None:
        """As `topics create` does."""
        for spec in wanted(wiring.plan(settings), Known(len(NODES), {})):
            self.cluster.make(spec.name, spec.partitions, dict(spec.config))

    def begin(self, settings: Settings, *, rate: float = 1.0, ahead: float = 0.0) -> Worker:
        """Start a worker on a machine of its own."""
        machine = Machine(f"worker-{len(self.workers)}", rate, ahead)
        context = copy_context()
        context.run(HERE.set, machine)
        worker = context.run(self._begun, machine, settings, context)
        self.workers.append(worker)
        return worker

    def _begun(self, machine: Machine, settings: Settings, context: Any) -> Worker:
        stopping, measures = Stopping(settings.dispatch.drain_timeout), Measures()
        holds = Holds(wiring.breaker(settings))
        watch = Watch(holds)
        task = self.loop.create_task(self._run(settings, measures, watch, stopping), context=context)
        return Worker(machine, task, stopping, holds, watch, settings.kafka.group_instance_id)

    async def _run(self, settings: Settings, measures: Measures, watch: Watch, stopping: Stopping) -> bool:
        observed = app.Observed(measures, Trails(), watch)
        while not stopping.is_set():
            with suppress(Draining):
                try:
                    async with AsyncExitStack() as stack:
                        return await app._work(settings, wiring.api(settings), observed, stopping, stack)
                except StartupError as error:
                    if not any(remedy in str(error) for remedy in REMEDIES):
                        raise
                    await asyncio.sleep(RESTARTED_AFTER)
        return True


@contextmanager
def world(seed: int) -> Iterator[World]:
    """A world of that seed; time stands still outside of it."""
    draw = Random(seed)
    loop = VirtualLoop(Random(draw.random()))
    cluster = Cluster(Random(draw.random()), lambda: int((EPOCH + loop.time()) * 1000), set(NODES))
    network = Network(cluster, Random(draw.random()))
    api = Api(Random(draw.random()))
    drawn = Random(draw.random())
    asyncio.set_event_loop(loop)
    clocks: dict[str, Any] = {
        "time": lambda: HERE.get().wall(loop.time()),
        "time_ns": lambda: int(HERE.get().wall(loop.time()) * 1e9),
        "monotonic": lambda: HERE.get().monotonic(loop.time()),
        "clock_gettime": lambda _: HERE.get().boot(loop.time()),
    }
    append = BatchBuilder.append

    def dated(self: Any, *, timestamp: int | None, **given: Any) -> Any:
        """Compiled code reads the machine's clock by itself."""
        return append(self, timestamp=int(time.time() * 1000) if timestamp is None else timestamp, **given)

    with (
        in_order(),
        listening() as listener,
        patch.object(BatchBuilder, "append", dated),
        patch.object(typer, "echo", lambda *_, **__: None),
        patch.multiple(time, **clocks),
        patch("aiokafka.client.create_conn", network.connect),
        patch("worker.kafka.source.StickyPartitionAssignor", Assignor()),
        patch("worker.customer_api.client.pooled", partial(pooled, api)),
        patch("worker.kafka.source.FETCH_WAIT", FETCH_WAIT),
        patch.multiple(random, random=drawn.random, choice=drawn.choice, shuffle=drawn.shuffle),
        patch.object(uuid, "uuid4", lambda: uuid.UUID(int=drawn.getrandbits(128), version=4)),
        patch("worker.journal.claim.uuid4", lambda: uuid.UUID(int=drawn.getrandbits(128), version=4)),
    ):
        made = World(draw, loop, cluster, network, api, listener)
        try:
            yield made
        finally:
            loop.sweep([*(each.machine for each in made.workers), *made.people])


def event(pin: str, *, source: str = "urn:crm") -> bytes:
    """A structured CloudEvent that asks for a customer whose pin is the event's id."""
    address = {"type": {"value": "email", "email": {"emailAddress": f"{pin}@example.com"}}}
    person = {"firstName": "Jack", "contactPoints": [address]}
    customer = {"type": "individual", "pin": pin, "contactPersons": [person]}
    return orjson.dumps(
        {"specversion": "1.0", "type": "customer.create.requested.v1", "source": source, "id": pin, "data": customer}
    )
