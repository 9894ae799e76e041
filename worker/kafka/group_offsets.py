"""The group's offsets of the request topic, and where its logs begin and end: asked and stored as a member."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    OffsetMetadataTooLargeError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from worker.intake.beginnings import Bearings, Start
from worker.kafka.begun import Begun
from worker.kafka.failures import named
from worker.kafka.leaders import missing
from worker.kafka.stable import Written
from worker.kafka.standings import Standings
from worker.model.errors import CommitRefused, KafkaUnavailable
from worker.model.progress import Progress

NOT_OURS_ANY_MORE = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


class GroupOffsets:
    """Each question and each commit has a time limit; `standings` hears of what was stored."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self.standings = Standings(consumer, topic)
        self._begun = Begun(consumer, topic)

    async def committed(self, partition: int, within: float) -> int | None:
        """The group's offset in the partition; None where none is stored.

        Raises KafkaUnavailable, and CommitRefused where the partition is not ours any more.
        """
        with self._told(partition, "its offset"):
            async with asyncio.timeout(within):
                return await self._begun.offset(partition)

    async def bearings(self, partition: int, within: float) -> Bearings:
        """What Kafka says of the partition now.

        Raises KafkaUnavailable, and CommitRefused where the partition is not ours any more.
        """
        place = TopicPartition(self._topic, partition)
        with self._told(partition, "its offsets"):
            async with asyncio.timeout(within):
                progress, began_with = await self._begun.look(partition)
                first = (await self._consumer.beginning_offsets([place]))[place]
                end = (await Written(self._consumer).ends([place]))[place]
        stored, published = (progress.offset, progress.published) if progress else (None, ())
        self.standings.began(partition, stored)
        return Bearings(self._topic, partition, stored, first, end, began_with, published)

    async def offset_of(self, partition: int, start: Start, within: float) -> int:
        """The offset of `start`: the log's beginning, its end for us, or the first record of that time or later."""
        place = TopicPartition(self._topic, partition)
        with self._told(partition, "its offsets"):
            async with asyncio.timeout(within):
                if start == "earliest":
                    return int((await self._consumer.beginning_offsets([place]))[place])
                if start != "latest" and (found := (await self._consumer.offsets_for_times({place: start}))[place]):
                    return int(found.offset)
                return int((await self._consumer.end_offsets([place]))[place])

    @contextmanager
    def _told(self, partition: int, what: str) -> Iterator[None]:
        try:
            yield
        except IllegalStateError as error:
            raise CommitRefused(f"{self._topic}/{partition}: not assigned") from error
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self._topic}/{partition}: {what}: {named(error, topic=self._topic)}") from error

    async def commit(self, progress: Mapping[int, Progress], within: float) -> None:
        """Store how far the partitions are. Raises CommitRefused, or KafkaUnavailable when it takes longer."""
        if self._generation() < 0:
            # A member that has left could rewind the group by it (docs: kafka, a commit without a generation).
            raise CommitRefused(f"{self._topic}: not a member of the group now")
        if unseen := self._unseen():
            # They would be stored for a new topic of that name, whose first records nobody would read then. It is no
            # refusal: where we alone do not see the topic, the group does not give its partitions to anybody anew.
            raise KafkaUnavailable(f"{self._topic}: {unseen}")
        try:
            # Before Python 3.12 wait_for loses a cancellation that comes with the answer, as a revocation's often does.
            async with asyncio.timeout(within):
                await self._commit(progress)
        except NOT_OURS_ANY_MORE as error:
            raise CommitRefused(f"{self._topic}: {type(error).__name__}") from error
        except Exception as error:
            raise KafkaUnavailable(f"{self._topic}: commit: {named(error, topic=self._topic)}") from error
        for number, each in progress.items():
            self.standings.stored(number, each.offset)

    async def _commit(self, progress: Mapping[int, Progress]) -> None:
        try:
            await self._consumer.commit(self._begun.noted(progress))
        except OffsetMetadataTooLargeError:
            self._begun.shorter()
            await self._consumer.commit(self._begun.noted(progress))

    def _unseen(self) -> str | None:
        """Why the consumer does not see the topic, as far as it has heard; None where it does."""
        if self._consumer.partitions_for_topic(self._topic):
            return None
        lack = missing(self._consumer._client.cluster, self._topic)  # noqa: SLF001  told nowhere else
        return named(lack) if lack else None

    def _generation(self) -> int:
        coordinator = self._consumer._coordinator  # noqa: SLF001  aiokafka tells it nowhere else
        return int(coordinator.generation) if coordinator else -1
