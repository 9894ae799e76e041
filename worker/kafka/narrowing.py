"""What the client cannot read of a partition, read beside it: one batch at a time, and the other partitions go on."""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from worker.kafka.beside import next_batch, said
from worker.model.records import Record

AGAIN_AFTER = 2.0
# A producer whose records are odd writes more of them: the client would stumble over each, for all partitions.
WELL_IN_A_ROW = 20


@dataclass(slots=True)
class Beside:
    """One partition while it is read beside the client: `records` are read and not taken, `offset` is the next to read.

    `over` is that the client goes on from there, `why` that nothing can be read for now, `astray` that the log does not
    hold that offset.
    """

    offset: int
    records: deque[Record] = field(default_factory=deque)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    why: str | None = None
    astray: bool = False


@dataclass(eq=False, slots=True)
class Narrowing:
    """Each such partition has a task, so that one that nobody can read keeps nobody waiting; it tries for ever."""

    consumer: AIOKafkaConsumer
    topic: str
    _beside: dict[int, Beside] = field(default_factory=dict)
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def astray(self) -> Mapping[int, int]:
        """By partition the offset that is to be read next, and that its log does not hold."""
        return {number: each.offset for number, each in self._beside.items() if each.astray}

    @property
    def unreadable(self) -> Mapping[int, str]:
        """Of partitions that nothing can be read of for now, why, with the place; who is astray is told elsewhere."""
        return {number: each.why for number, each in self._beside.items() if each.why and not each.astray}

    def __contains__(self, partition: int) -> bool:
        return partition in self._beside

    def is_busy(self) -> bool:
        """Whether more is about to be read."""
        return any(each.why is None for each in self._beside.values())

    def begin(self, partition: int, offset: int) -> None:
        """The client cannot read what follows there."""
        self.forget(partition)
        beside = self._beside[partition] = Beside(offset)
        self._tasks[partition] = asyncio.create_task(self._read(partition, beside), name=f"read {partition} apart")

    def ends(self, partition: int, offset: int) -> None:
        """The log has nothing there: whoever knows what became of it says where it is read from."""
        self.forget(partition)
        why = f"{self.topic}/{partition} at offset {offset}: the log begins behind it, or ends before"
        self._beside[partition] = Beside(offset, why=why, astray=True)

    def forget(self, partition: int) -> None:
        """It is read from somewhere else, or not by us."""
        self._beside.pop(partition, None)
        if task := self._tasks.pop(partition, None):
            task.cancel()

    def close(self) -> None:
        """End all reading of single partitions."""
        for partition in list(self._beside):
            self.forget(partition)

    def take(self, partitions: Collection[int], at_most: int) -> list[Record]:
        """What was read of one of these, in its order."""
        for number in partitions:
            beside = self._beside.get(number)
            if beside and beside.records:
                found = [beside.records.popleft() for _ in range(min(at_most, len(beside.records)))]
                if not beside.records:
                    beside.taken.set()
                return found
        return []

    def over(self) -> dict[int, int]:
        """By partition the offset from which the client goes on; each is told once."""
        ended = {number: each.offset for number, each in self._beside.items() if each.over and not each.records}
        for number in ended:
            self.forget(number)
        return ended

    async def _read(self, partition: int, beside: Beside) -> None:
        """Until enough batches in a row were in order, or no more is there; the next is read once this one is taken."""
        well = 0
        while well < WELL_IN_A_ROW:
            try:
                batch = await next_batch(self.consumer, TopicPartition(self.topic, partition), beside.offset)
                records = batch.records_from(beside.offset, self.topic, partition) if batch else []
            except OffsetOutOfRangeError:
                # The client says so, too, and does what it was told to do then.
                break
            except Exception as error:  # noqa: BLE001  whatever it is, it is this partition's alone
                beside.why = f"{self.topic}/{partition} at offset {beside.offset}: {said(error, self.topic)}"
                await asyncio.sleep(AGAIN_AFTER)
                continue
            if batch is None:
                break
            beside.why = None
            well = 0 if any(each.unreadable for each in records) else well + 1
            beside.offset = batch.next_offset
            await self._handed(beside, records)
        beside.why, beside.over = None, True

    async def _handed(self, beside: Beside, records: list[Record]) -> None:
        beside.taken.clear()
        beside.records.extend(records)
        if records:
            await beside.taken.wait()
