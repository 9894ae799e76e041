"""Where the group is in each partition: remembered as it moves, but for the ends, which are asked for by the clock."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from worker.records import Standing

ASK_EVERY = 5.0
ASK_WITHIN = 5.0


@dataclass(slots=True)
class Standings:
    """The consumer's own high-water mark stands still while it has records that nobody takes (facts row 27)."""

    consumer: AIOKafkaConsumer
    topic: str
    committed: dict[int, int] = field(default_factory=dict)
    _positions: dict[int, int] = field(default_factory=dict)
    _beginnings: dict[int, int] = field(default_factory=dict)
    _ends: dict[int, int] = field(default_factory=dict)

    def began(self, partition: int, committed: int | None) -> None:
        """The partition is ours; None is a group that has stored nothing."""
        for known in (self.committed, self._positions):
            known.pop(partition, None)
            if committed is not None:
                known[partition] = committed

    def read(self, batches: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]) -> None:
        """These were handed out."""
        for place, batch in batches.items():
            self._positions[place.partition] = batch[-1].offset + 1

    def read_to(self, partition: int, position: int) -> None:
        """What stands before that offset was handed out."""
        self._positions[partition] = position

    def of(self, partition: int) -> Standing:
        """As far as it is known."""
        position, committed = self._positions.get(partition), self.committed.get(partition)
        known = [end for end in (self._ends.get(partition), position, committed) if end is not None]
        end = max(known) if partition in self._ends else None
        since = self._beginnings.get(partition) if committed is None else committed
        return Standing(position, committed, end, None if end is None or since is None else max(0, end - since))

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """The ends, for as long as this is open."""
        task = asyncio.create_task(self._keep_fresh(), name="ends")
        try:
            yield
        finally:
            task.cancel()

    async def _keep_fresh(self) -> None:
        while True:
            ours = [each for each in self.consumer.assignment() if each.topic == self.topic]
            if ours:
                await self._ask(ours)
            await asyncio.sleep(ASK_EVERY if ours else ASK_EVERY / 10)

    async def _ask(self, places: Sequence[TopicPartition]) -> None:
        """A Kafka that does not answer is told elsewhere; what was known stays."""
        try:
            async with asyncio.timeout(ASK_WITHIN):
                ends = await self.consumer.end_offsets(places)
                beginnings = await self.consumer.beginning_offsets(places)
        except (KafkaError, TimeoutError):
            return
        self._ends = {place.partition: offset for place, offset in ends.items()}
        self._beginnings = {place.partition: offset for place, offset in beginnings.items()}
