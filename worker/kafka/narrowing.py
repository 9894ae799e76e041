"""Reads the partitions that the client cannot read, one batch at a time, while it goes on with the others."""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from worker.kafka.beside import next_batch, said
from worker.model.records import Record

AGAIN_AFTER = 2.0
# A producer of odd records writes more of them: the client would stumble over each, for all partitions.
WELL_IN_A_ROW = 20


class Unread:
    """The records of a batch that are not taken yet, made as they are taken: a batch may have millions."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._rest = records
        self._next = next(records, None)
        self.odd = False

    def __bool__(self) -> bool:
        return self._next is not None

    def take(self, at_most: int) -> list[Record]:
        """Take the next records, in their order."""
        found: list[Record] = []
        while self._next is not None and len(found) < at_most:
            found.append(self._next)
            self._next = next(self._rest, None)
        self.odd = self.odd or any(each.unreadable for each in found)
        return found


@dataclass(slots=True)
class Beside:
    """One partition that is read beside the client: `records` are not taken yet, `offset` is the next one to be read.

    `over`: the client goes on from there. `why`: nothing can be read for now, for this reason. `astray`: the log does
    not hold that offset.
    """

    offset: int
    records: Unread = field(default_factory=lambda: Unread(iter(())))
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    why: str | None = None
    astray: bool = False


@dataclass(eq=False, slots=True)
class Narrowing:
    """The partitions that are read beside the client.

    Each has a task of its own that tries for ever, so that one that nobody can read keeps no other waiting.
    """

    consumer: AIOKafkaConsumer
    topic: str
    _beside: dict[int, Beside] = field(default_factory=dict)
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def astray(self) -> Mapping[int, int]:
        """The next offset to read, by partition, where the partition's log does not hold that offset."""
        return {number: each.offset for number, each in self._beside.items() if each.astray}

    @property
    def unreadable(self) -> Mapping[int, str]:
        """Why nothing can be read for now, with the place, by partition; partitions astray are not among them."""
        return {number: each.why for number, each in self._beside.items() if each.why and not each.astray}

    def __contains__(self, partition: int) -> bool:
        return partition in self._beside

    def is_busy(self) -> bool:
        """Whether more records are about to come."""
        return any(each.why is None for each in self._beside.values())

    def begin(self, partition: int, offset: int) -> None:
        """Read the partition beside the client, which cannot read what stands from that offset on."""
        self.forget(partition)
        beside = self._beside[partition] = Beside(offset)
        self._tasks[partition] = asyncio.create_task(self._read(partition, beside), name=f"read {partition} apart")

    def ends(self, partition: int, offset: int) -> None:
        """Note that the log does not hold that offset: the partition waits until it is said where to read it from."""
        self.forget(partition)
        why = f"{self.topic}/{partition} at offset {offset}: the log begins behind it, or ends before"
        self._beside[partition] = Beside(offset, why=why, astray=True)

    def forget(self, partition: int) -> None:
        """Stop reading the partition: it is read from somewhere else, or not by us."""
        self._beside.pop(partition, None)
        if task := self._tasks.pop(partition, None):
            task.cancel()

    def close(self) -> None:
        """End all reading of single partitions."""
        for partition in list(self._beside):
            self.forget(partition)

    def take(self, partitions: Collection[int], at_most: int) -> list[Record]:
        """Records that were read of one of these partitions, in their order; none where nothing is there."""
        for number in partitions:
            beside = self._beside.get(number)
            if beside and beside.records:
                found = beside.records.take(at_most)
                if not beside.records:
                    beside.taken.set()
                return found
        return []

    def over(self) -> dict[int, int]:
        """By partition the offset from which the client reads again; each is returned once."""
        ended = {number: each.offset for number, each in self._beside.items() if each.over and not each.records}
        for number in ended:
            self.forget(number)
        return ended

    async def _read(self, partition: int, beside: Beside) -> None:
        """Read the next batch once the last is taken, until enough in a row were in order, or none is left."""
        well = 0
        while well < WELL_IN_A_ROW:
            try:
                found = await self._next(partition, beside.offset)
            except OffsetOutOfRangeError:
                # The client meets this, too, and handles it.
                break
            except Exception as error:  # noqa: BLE001  whatever it is, it is this partition's alone
                beside.why = f"{self.topic}/{partition} at offset {beside.offset}: {said(error, self.topic)}"
                await asyncio.sleep(AGAIN_AFTER)
                continue
            if found is None:
                break
            beside.why = None
            beside.records, beside.offset = found
            beside.taken.clear()
            if beside.records:
                await beside.taken.wait()
            well = 0 if beside.records.odd else well + 1
        beside.why, beside.over = None, True

    async def _next(self, partition: int, offset: int) -> tuple[Unread, int] | None:
        """The records of the next batch from that offset on, and where it ends; None at the log's end."""
        batch = await next_batch(self.consumer, TopicPartition(self.topic, partition), offset)
        if batch is None:
            return None
        steps = batch.looked_through(offset, self.topic, partition)
        while True:
            try:
                next(steps)
            except StopIteration as ended:
                return Unread(ended.value), batch.next_offset
            await asyncio.sleep(0)
