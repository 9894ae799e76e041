"""Publishes the events, waits for what becomes of them, and judges it."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from worker.kafka import bulk
from worker.kafka.follow import followed
from worker.kafka.sender import sender
from worker.records import Position
from worker.sandbox.demo import samples as written
from worker.sandbox.demo import verdict
from worker.sandbox.demo.endings import Ending, Followed, endings
from worker.sandbox.demo.samples import Sample
from worker.sandbox.demo.stage import Stage
from worker.sandbox.demo.verdict import More, Row, Verdict
from worker.sandbox.demo.worker_process import WorkerProcess, finished_per_second

PATIENCE = 60.0
MORE_PER_SECOND = 100
MIB = 1024 * 1024


class Screen(Protocol):
    """Told what happens, as it happens."""

    def begin(self, what: str, total: int) -> None: ...
    def ended(self, name: str, ending: Ending) -> None: ...


class _Patient:
    """Kafka's pauses are waited for; the deadline of the whole ends that."""

    def begin(self, detail: str) -> None: ...
    def end(self) -> None: ...


@dataclass(eq=False, slots=True)
class Play:
    """What was published, and what came back so far."""

    stage: Stage
    samples: list[Sample]
    asked: int
    screen: Screen
    published: dict[Position, Sample] = field(default_factory=dict)
    ended: dict[Position, Ending] = field(default_factory=dict)
    more: dict[str, Ending] = field(default_factory=dict)

    async def run(self) -> Verdict:
        """Return when everything ended, or nothing more can be waited for."""
        patience = PATIENCE + self.asked / MORE_PER_SECOND
        problem = await while_running(self.stage.worker, self._play(), patience)
        return await self._verdict(problem)

    async def _play(self) -> None:
        plan = self.stage.plan
        async with followed(self.stage.connection, [plan.succeeded, plan.failed]) as results:
            await self._publish_samples()
            await self._samples_end(results)
            if self.asked:
                await self._publish_more()
                await self._more_end(results)

    async def _publish_samples(self) -> None:
        self.screen.begin("sample events", len(self.samples))
        async with sender(self.stage.connection, _Patient(), max_request_size=MIB) as publisher:
            for sample in self.samples:
                self.published[await publisher.publish(sample.message(self.stage.plan.requests))] = sample

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
        async with bulk.opened(self.stage.connection) as publisher:
            for number in range(1, self.asked + 1):
                await publisher.hand_over(written.more(number, self.stage.plan.requests))
            await publisher.flush()

    async def _more_end(self, results: Followed) -> None:
        async for ending in endings(results):
            if ending.event_id not in self.more:
                self.more[ending.event_id] = ending
                self.screen.ended(ending.event_id, ending)
            if len(self.more) == self.asked:
                return

    async def _verdict(self, problem: str | None) -> Verdict:
        ledger = self.stage.sandbox.ledger
        created = verdict.created_for(ledger)
        rows = tuple(self._row(sample, position, created) for position, sample in self.published.items())
        speed = await asyncio.to_thread(finished_per_second, self.stage.worker.log, written.MORE)
        more = More(self.asked, self.more, speed)
        whole = verdict.whole(rows, more, ledger, self.stage.posts)
        return Verdict(rows, more, tuple(filter(None, [problem, *whole])))

    def _row(self, sample: Sample, position: Position, created: Mapping[str, tuple[str, ...]]) -> Row:
        return verdict.row(sample, position, self.ended.get(position), created.get(sample.identity, ()))


async def while_running(worker: WorkerProcess, waiting: Coroutine[Any, Any, None], patience: float) -> str | None:
    """None when it is done; what came between otherwise: the worker's end, or that it took too long."""
    task = asyncio.create_task(waiting)
    watch = asyncio.create_task(worker.process.ended(within=patience))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        status = watch.result()
        if status is None:
            return f"not everything ended within {patience:.0f} s"
        return f"the worker ended by itself with status {status}; its last line: {worker.last_line()}"
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.wait({task, watch})
