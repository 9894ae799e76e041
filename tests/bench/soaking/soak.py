"""What a day is made of while it goes on, and what has come of it so far."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.double import Double
from bench.machine import Machine
from bench.soaking.api import Counted
from bench.soaking.curves import Sample
from bench.soaking.day import Day
from bench.soaking.ledger import Ledger
from chaos.fleet import Fleet

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.model.errors import KafkaUnavailable
from worker.sandbox.local_kafka import LocalKafka
from worker.topics import Plan

Tell = Callable[[str], None]


@dataclass(slots=True)
class Soak:
    """Kafka, the API and the workers; `samples` are what was seen, in their order."""

    day: Day
    kafka: LocalKafka
    plan: Plan
    group: str
    double: Double
    ledger: Ledger
    fleet: Fleet
    tell: Tell
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the day ends before its time: what has come until then is judged."""
    began: float = 0.0
    published: int = 0
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

    async def committed(self, client: admin.Admin) -> int | None:
        """Records that the group is done with; None where Kafka does not say."""
        try:
            return sum((await client.committed(self.group, self.plan.requests)).values())
        except (KafkaUnavailable, TimeoutError):
            return None
