"""Polls that lose nothing: after an error, what was handed to nobody is read again, and one partition is blamed."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from operator import lt

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import FetchError

from worker.kafka.beside import PLACELESS, is_of_all
from worker.kafka.narrowing import Narrowing
from worker.kafka.revival import only_our_cancellation
from worker.kafka.sharing import Batches, polled

log = structlog.get_logger()
# A poll of this partition, which does not exist, reads nothing: it keeps us in the group, and the client's buffers
# (docs: kafka, leaving a partition out).
NOTHING = TopicPartition("__none__", 0)
ONE_BY_ONE_FOR = 5.0
BRIEFLY = 0.02


class OutOfOrder(Exception):
    """The client handed out an offset that is not above the one before."""


@dataclass(eq=False, slots=True)
class Reading:
    """Knows by itself what was handed out of each partition, and does not trust the client's own positions.

    The client moves a partition's position when it takes records out of its buffer. Where another partition's records
    raise in the same poll, those are handed to nobody, and the position would pass them for good. So after a poll that
    raised every partition is set back to the first offset that was not handed out. Then each is polled by itself, where
    a failure costs the others nothing, until the one to blame is found; that one is read beside the client from there
    on.
    """

    consumer: AIOKafkaConsumer
    topic: str
    beside: Narrowing
    _next: dict[int, int] = field(default_factory=dict)
    _suspects: list[int] = field(default_factory=list)
    _until: float = 0.0

    def begins(self, partition: int, offset: int) -> None:
        """Read the partition from that offset on; nothing before it is handed out."""
        self.beside.forget(partition)
        self._next[partition] = offset

    def forget(self, partition: int) -> None:
        """Forget a partition that is not ours any more."""
        self.beside.forget(partition)
        self._next.pop(partition, None)

    def fails(self, place: TopicPartition) -> bool:
        """Whether the client holds an error in place of the partition's records."""
        fetcher = self.consumer._fetcher  # noqa: SLF001  aiokafka tells it nowhere else
        return fetcher is not None and isinstance(fetcher._records.get(place), FetchError)  # noqa: SLF001  as above

    async def poll(self, partitions: Collection[int], within: float, at_most: int) -> Batches:
        """What the client has of these partitions. Raises errors that are about all of Kafka, and no others."""
        self._return()
        wanted = [number for number in partitions if number not in self.beside]
        if time.monotonic() >= self._until:
            self._suspects.clear()
        if self._suspects:
            # What a poll of no partition raises is about all of them.
            await self._of([], 0, at_most)
        try:
            return self._handed(await self._one_by_one(wanted, at_most) or await self._others(wanted, within, at_most))
        except Exception as error:
            self._back(wanted)
            if is_of_all(error):
                raise
            self._suspects, self._until = wanted, time.monotonic() + ONE_BY_ONE_FOR
            return {}

    async def _others(self, wanted: Collection[int], within: float, at_most: int) -> Batches:
        """Poll the partitions that are neither suspected nor, since a moment ago, read beside the client.

        While there are suspects the poll is short, as each of those is to be read again soon.
        """
        others = [number for number in wanted if number not in self._suspects and number not in self.beside]
        return await self._of(
            others, min(within, BRIEFLY) if self._suspects or self.beside.is_busy() else within, at_most
        )

    async def _of(self, numbers: Collection[int], within: float, at_most: int) -> Batches:
        wanted = [TopicPartition(self.topic, number) for number in numbers] or [NOTHING]
        with only_our_cancellation():
            return await polled(self.consumer, wanted, within, at_most)

    def _handed(self, batches: Batches) -> Batches:
        """The batches whose offsets ascend. A partition where they do not is blamed, and read beside the client."""
        handed = {}
        for place, records in batches.items():
            offsets = [record.offset for record in records]
            if _ascend([self._next.get(place.partition, 0) - 1, *offsets]):
                self._next[place.partition] = offsets[-1] + 1
                handed[place] = records
            else:
                self._blame(place.partition, OutOfOrder())
        return handed

    async def _one_by_one(self, wanted: Collection[int], at_most: int) -> Batches:
        """Poll the suspects one by one: the first that has records is cleared, and returned with them.

        Between the client's error and our reaction nothing is awaited.
        """
        for number in [each for each in self._suspects if each in wanted]:
            try:
                found = await self._of([number], 0, at_most)
            except Exception as error:
                if is_of_all(error) or number not in self._next:
                    raise
                self._blame(number, error)
            else:
                if found:
                    self._suspects.remove(number)
                    return found
        return {}

    def _blame(self, number: int, error: Exception) -> None:
        offset = self._next[number]
        log.warning("poll.failed", partition=number, offset=offset, error=type(error).__name__)
        self._back([number])
        if number in self._suspects:
            self._suspects.remove(number)
        if isinstance(error, PLACELESS):
            self.beside.ends(number, offset)
        else:
            self.beside.begin(number, offset)

    def _back(self, numbers: Collection[int]) -> None:
        """Set these partitions back to the first offset that was not handed out.

        The client fetches from there again.
        """
        ours = self.consumer.assignment()
        for number in numbers:
            place = TopicPartition(self.topic, number)
            if place in ours and number in self._next:
                self.consumer.seek(place, self._next[number])

    def _return(self) -> None:
        """Let the client go on where reading beside it is over."""
        for number, offset in self.beside.over().items():
            self._next[number] = offset
            self._back([number])


def _ascend(offsets: Sequence[int]) -> bool:
    """Whether each is larger than the one before: no broker checks the offsets of the records within a batch."""
    return all(map(lt, offsets, offsets[1:]))
