"""Where the group is in each partition: noted as it moves, except for the logs' ends, which are asked for regularly."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from worker.background import background
from worker.kafka.beside import WITHIN
from worker.kafka.leaders import has_leader
from worker.kafka.stable import Written
from worker.logs import where
from worker.model.records import OpenTransaction, Standing

log = structlog.get_logger()
ASK_EVERY = 5.0
ASK_WITHIN = 5.0


@dataclass(slots=True)
class Standings:
    """The group's place in each partition, and where the log ends.

    The consumer's own mark does not tell the end while its buffer is full (docs: kafka, high-water marks). `_beside`
    are offsets, (first, end), that were passed and hold no record for us: markers, records of aborted transactions, and
    what compaction left out. They are no part of the lag.
    """

    consumer: AIOKafkaConsumer
    topic: str
    committed: dict[int, int] = field(default_factory=dict)
    written: Written = field(init=False)
    _positions: dict[int, int] = field(default_factory=dict)
    _beside: dict[int, deque[tuple[int, int]]] = field(default_factory=dict)
    _beginnings: dict[int, int] = field(default_factory=dict)
    _ends: dict[int, int] = field(default_factory=dict)
    _open: dict[int, OpenTransaction] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.written = Written(self.consumer)

    def began(self, partition: int, committed: int | None) -> None:
        """Note that the partition is ours, and the group's offset; None where the group has stored nothing."""
        for known in (self.committed, self._positions):
            known.pop(partition, None)
            if committed is not None:
                known[partition] = committed
        self._beside.pop(partition, None)

    def reads_from(self, partition: int, offset: int) -> None:
        """Note that it is read from that offset on: what stands before was handed out, or never will be."""
        self._positions[partition] = offset
        beside = self._beside.get(partition)
        while beside and beside[-1][1] > offset:
            first, _ = beside.pop()
            if first < offset:
                beside.append((first, offset))

    def read(self, batches: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]) -> None:
        """Note the records that a poll handed out."""
        for place, batch in batches.items():
            first, end = batch[0].offset, batch[-1].offset + 1
            if end - self._positions.get(place.partition, first) > len(batch):
                for record in batch:
                    self.passed(place.partition, record.offset)
                    self._positions[place.partition] = record.offset + 1
            self._positions[place.partition] = end

    def passed(self, partition: int, position: int) -> None:
        """Note that from where it was read on, up to that offset, there is no record for us."""
        since = self._positions.get(partition, position)
        if since < position:
            self._beside.setdefault(partition, deque()).append((since, position))
            self._positions[partition] = position

    def read_to(self, partition: int, position: int) -> None:
        """Note that what stands before that offset was handed out."""
        self._positions[partition] = position

    def of(self, partition: int) -> Standing:
        """Where the group stands in that partition, as far as it is known."""
        position, committed = self._positions.get(partition), self.committed.get(partition)
        known = [end for end in (self._ends.get(partition), position, committed) if end is not None]
        end = max(known) if partition in self._ends else None
        return Standing(position, committed, end, self._lag(partition, end), self._open.get(partition))

    def stored(self, partition: int, offset: int) -> None:
        """Note that the group has stored that offset; what stands before it does not count any more."""
        self.committed[partition] = offset
        beside = self._beside.get(partition)
        while beside and beside[0][1] <= offset:
            beside.popleft()

    def _lag(self, partition: int, end: int | None) -> int | None:
        known = [each.get(partition) for each in (self.committed, self._beginnings)]
        since = max((each for each in known if each is not None), default=None)
        if end is None or since is None:
            return None
        beside = self._beside.get(partition, ())
        return max(0, end - since - sum(last - max(first, since) for first, last in beside if last > since))

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Ask for the logs' ends regularly, for as long as this is open."""
        with background(self._keep_fresh(), "ends"):
            yield

    async def _keep_fresh(self) -> None:
        while True:
            ours = [each for each in self.consumer.assignment() if each.topic == self.topic]
            try:
                await self._ask([each for each in ours if has_leader(self.consumer, each)])
            except Exception as error:  # noqa: BLE001  nobody else would ask again
                log.error("ends.failed", error=type(error).__name__, where=where(error))
            await asyncio.sleep(ASK_EVERY if ours else ASK_EVERY / 10)

    async def _ask(self, places: Sequence[TopicPartition]) -> None:
        """Ask for these logs' ends. If Kafka does not answer, that is told elsewhere, and what was known stays."""
        if not places:
            return
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(ASK_WITHIN):
                # In this order: what is written between the two questions is no open transaction.
                ends = await self.written.ends(places)
                stable = await self.consumer.end_offsets(places)
                beginnings = await self.consumer.beginning_offsets(places)
            self._ends |= {place.partition: offset for place, offset in ends.items()}
            self._beginnings |= {place.partition: offset for place, offset in beginnings.items()}
            await self._find_open(places, {place: at for place, at in stable.items() if at < ends[place]})

    async def _find_open(self, asked: Sequence[TopicPartition], opened: Mapping[TopicPartition, int]) -> None:
        """Note which of the partitions asked about have an open transaction, and where it begins."""
        for place in asked:
            known = self._open.get(place.partition)
            if known and known.offset != opened.get(place):
                del self._open[place.partition]
        async with asyncio.timeout(WITHIN):
            for place, at in opened.items():
                if place.partition not in self._open:
                    with suppress(KafkaError):
                        stamp = await self.written.timestamp(place, at)
                        self._open[place.partition] = OpenTransaction(at, stamp / 1000 if stamp and stamp > 0 else None)
