"""What goes on during one seed: events are published, endings are counted, and in the end everything settles."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from chaos import topics
from chaos.beside import Beside
from chaos.facts import Place
from chaos.fleet import Fleet
from chaos.gate import Gate
from chaos.known import UNKNOWN
from chaos.stream import Item
from chaos.troubles import Schedule
from whole_logs import read_whole

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
    beside: Beside = field(default_factory=Beside)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the stream is published."""
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def publish(self, stream: Sequence[Item]) -> None:
        """At the schedule's pace; what Kafka does not take at once it takes later, in order and once."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, enable_idempotence=True, acks="all")
        self.flowing.set()
        async with asyncio.timeout(PUBLISHED_WITHIN), producer:
            sent = []
            for item in stream:
                if self.published == self.schedule.events // 50:
                    await self._work_has_begun()
                await asyncio.sleep(1 / self.schedule.pace)
                await self.flowing.wait()
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
            for item, stored in zip(stream, await asyncio.gather(*sent), strict=True):
                self.beside.stored[stored.partition, stored.offset] = item

    async def publish_beside(self, *items: Item) -> list[Place]:
        """Records that are not of the stream, each of which must end as well; where they are stored."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka, enable_idempotence=True, acks="all") as producer:
            return [await self._stored(producer, item) for item in items]

    async def _stored(self, producer: AIOKafkaProducer, item: Item) -> Place:
        at = await producer.send_and_wait(
            self.names.of("requests"), item.value, item.key, item.partition, headers=list(item.headers)
        )
        self.beside.stored[at.partition, at.offset] = item
        return at.partition, at.offset

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
            results = [await topics.places(self.kafka, self.names.of(what)) for what in ("succeeded", "failed")]
            await read_whole(consumer, [place for each in results for place in each])
            while True:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    told = topics.told(batch)
                    self.ended |= {each.place for each in told}
                    self.beside.doubts += [each for each in told if each.ending == UNKNOWN]
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
        ends, committed = await topics.offsets(self.kafka, self.names)
        return ends == committed and self.beside.due() <= self.ended
