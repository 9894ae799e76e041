"""What goes on during one seed: events are published, endings are counted, and in the end everything settles."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from chaos import topics
from chaos.facts import Place
from chaos.fleet import Fleet
from chaos.gate import Gate
from chaos.stream import Item
from chaos.troubles import Schedule

from worker.sandbox.api import RunningSandbox
from worker.sandbox.local_kafka import LocalKafka

PUBLISHED_WITHIN = 240
SETTLES_WITHIN = 300
"""Seconds, once the storm is over: sessions end, doubts settle, holds are probed, a backlog is worked off.

Half a minute is enough on a machine that has nothing else to do; who is stuck is stuck for ever.
"""

Tell = Callable[[int, int], None]
"""How many events were published, and how many records have ended."""


@dataclass(slots=True)
class Scene:
    """Everything that runs during one seed."""

    schedule: Schedule
    names: topics.Names
    kafka: str
    """Where it is: host and port."""
    broker: LocalKafka | None
    """The same, where it may be struck."""
    sandbox: RunningSandbox
    gate: Gate
    fleet: Fleet
    tell: Tell
    published: int = 0
    ended: set[Place] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def publish(self, stream: Sequence[Item]) -> None:
        """At the schedule's pace; what Kafka does not take at once it takes later, in order and once."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, enable_idempotence=True, acks="all")
        async with asyncio.timeout(PUBLISHED_WITHIN), producer:
            sent = []
            for item in stream:
                if self.published == self.schedule.events // 50:
                    await self._work_has_begun()
                await asyncio.sleep(1 / self.schedule.pace)
                headers = list(item.headers)
                sent.append(
                    await producer.send(
                        self.names.of("requests"), item.value, item.key, item.partition, headers=headers
                    )
                )
                async with self._moved:
                    self.published += 1
                    self._moved.notify_all()
                self.tell(self.published, len(self.ended))
            await asyncio.gather(*sent)

    async def _work_has_begun(self) -> None:
        """A storm over workers that have not started yet would meet nothing."""
        while not self.ended:
            await asyncio.sleep(0.05)

    async def until_published(self, count: int) -> None:
        """Return when so many events are on their way."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.published >= count)

    async def listen(self) -> None:
        """Count the records that have ended."""
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka, auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            consumer.assign([place for what in ("succeeded", "failed") for place in topics.places(self.names.of(what))])
            while True:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    self.ended |= {told.place for told in topics.told(batch)}
                self.tell(self.published, len(self.ended))

    async def settle(self) -> None:
        """Every record has its ending, and the group knows; or it is too late."""
        try:
            async with asyncio.timeout(SETTLES_WITHIN):
                while not await self._over():
                    await asyncio.sleep(0.3)
        except TimeoutError:
            self.problems.append(f"not everything had ended {SETTLES_WITHIN} s after the storm")

    async def _over(self) -> bool:
        if len(self.ended) < self.published:
            return False
        ends, committed = await topics.offsets(self.kafka, self.names)
        return sum(ends.values()) <= len(self.ended) and ends == committed
