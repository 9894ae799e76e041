"""Publishes the events of a demonstration, and follows them until each has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from worker.kafka import bulk
from worker.kafka.connection import Connection
from worker.kafka.follow import followed
from worker.kafka.publisher import opened_publisher
from worker.model.records import Position
from worker.sandbox.demo import samples as written
from worker.sandbox.demo import verdict
from worker.sandbox.demo.endings import Ending, Followed, endings
from worker.sandbox.demo.samples import Sample
from worker.sandbox.demo.verdict import Row
from worker.topics import Plan

PATIENCE = 60.0
MORE_PER_SECOND = 100
MIB = 1024 * 1024


class Screen(Protocol):
    """Is told what happens, as it happens."""

    def begin(self, what: str, total: int) -> None: ...
    def ended(self, name: str, ending: Ending) -> None: ...


class _Patient:
    """Ignores that Kafka does not answer for a while; the deadline of the whole performance ends the waiting."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


@dataclass(eq=False, slots=True)
class Performance:
    """What was published, and what has come back so far.

    `settling` is how many seconds longer an unknown outcome may take, which the worker looks up first.
    """

    connection: Connection
    plan: Plan
    samples: list[Sample]
    asked: int
    screen: Screen
    settling: float = 0.0
    published: dict[Position, Sample] = field(default_factory=dict)
    ended: dict[Position, Ending] = field(default_factory=dict)
    more: dict[str, Ending] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The trial that these events belong to; empty outside a trial."""
        return self.samples[0].run

    @property
    def patience(self) -> float:
        """For how many seconds the whole is waited for."""
        return PATIENCE + self.settling + self.asked / MORE_PER_SECOND

    async def play(self) -> None:
        """Publish all events and return when each has ended; there is no deadline here."""
        async with followed(self.connection, [self.plan.succeeded, self.plan.failed]) as results:
            await self._publish_samples()
            await self._samples_end(results)
            if self.asked:
                await self._publish_more()
                await self._more_end(results)

    def rows(self, created: Mapping[str, tuple[str, ...]]) -> tuple[Row, ...]:
        """The sample events, judged.

        `created` holds the ids of the customers that the sandbox has for each identity.
        """
        return tuple(
            verdict.row(sample, position, self.ended.get(position), created.get(sample.identity, ()))
            for position, sample in self.published.items()
        )

    async def _publish_samples(self) -> None:
        self.screen.begin("sample events", len(self.samples))
        async with opened_publisher(self.connection, _Patient(), max_request_size=MIB) as publisher:
            for sample in self.samples:
                self.published[await publisher.publish(sample.message(self.plan.requests))] = sample

    async def _samples_end(self, results: Followed) -> None:
        async for ending in endings(results):
            sample = self.published.get(ending.request)
            if sample and ending.request not in self.ended:
                self.ended[ending.request] = ending
                self.screen.ended(sample.name, ending)
            if len(self.ended) == len(self.published):
                return

    async def _publish_more(self) -> None:
        self.screen.begin("more customers", self.asked)
        async with bulk.opened(self.connection) as publisher:
            for number in range(1, self.asked + 1):
                await publisher.hand_over(written.more(number, self.plan.requests, self.run))
            await publisher.flush()

    async def _more_end(self, results: Followed) -> None:
        prefix = written.more_prefix(self.run)
        async for ending in endings(results):
            if ending.event_id.startswith(prefix) and ending.event_id not in self.more:
                self.more[ending.event_id] = ending
                self.screen.ended(ending.event_id, ending)
            if len(self.more) == self.asked:
                return
