"""The request topic as a member of the consumer group: polled for ever, committed to on demand."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from worker.beginnings import Bearings, Start
from worker.errors import CommitRefused, KafkaUnavailable
from worker.kafka.begun import Begun
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import NO_TOPIC, named
from worker.kafka.reader import PLACELESS, placeless
from worker.kafka.stable import Written
from worker.kafka.standings import Standings
from worker.records import Record

NOT_OURS_ANY_MORE = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
# Polling with nothing to read keeps the member in its group and its buffers filled (facts row 26).
NOTHING = TopicPartition("__none__", 0)
FETCH_WAIT = 0.1
# What the client reads ahead of the intake, by answer and by partition: its own 50 MiB and 1 MiB fill a container.
FETCH_BYTES = 8 * 1024 * 1024
FETCH_BYTES_EACH = 256 * 1024


@dataclass(frozen=True, slots=True)
class Membership:
    """How this process takes part in the group. Times are seconds."""

    topic: str
    group_id: str
    session_timeout: float
    rebalance_timeout: float
    group_instance_id: str | None = None


class Partitions(Protocol):
    """Told what the group gives and takes."""

    def assigned(self, partitions: Collection[int]) -> None: ...
    async def revoked(self, partitions: Collection[int]) -> None: ...


class RecordSource:
    """Reads only from the partitions it is asked for, and never cancels a poll (facts row 11)."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self.standings = Standings(consumer, topic)
        self.astray: dict[int, int] = {}
        """By partition the offset that its log does not hold; it is not polled before somebody says where to go on."""
        self._begun = Begun(consumer, topic)

    async def poll(self, partitions: Collection[int], *, within: float, at_most: int) -> list[Record]:
        """Records of these partitions, none after that many seconds. Raises KafkaUnavailable."""
        numbers = [number for number in partitions if number not in self.astray]
        wanted = [TopicPartition(self._topic, number) for number in numbers] or [NOTHING]
        try:
            batches = await self._consumer.getmany(*wanted, timeout_ms=int(within * 1000), max_records=at_most)
        except PLACELESS as error:
            # It is the first of this poll, so that nothing of another partition is lost with it. Where there never was
            # a place, the partition is not open yet.
            self.astray |= {place.partition: at for place, at in placeless(error).items() if at is not None}
            return []
        except KafkaError as error:
            self._revive()
            raise KafkaUnavailable(f"{self._topic}: {named(error)}") from error
        if not batches and not self._exists():
            # The client asks for itself every five minutes only.
            self._consumer._client.force_metadata_update()  # noqa: SLF001  aiokafka has no other way to ask
            raise KafkaUnavailable(f"{self._topic}: {NO_TOPIC}")
        self.standings.read(batches)
        return [as_record(each) for batch in batches.values() for each in batch]

    def passed(self, partitions: Collection[int]) -> dict[int, int]:
        """By partition the next offset to be handed out: what stands before it was, or holds no record for us.

        To be asked right after a poll, before anything else is awaited.
        """
        found = {number: self._position(number) for number in partitions if number not in self.astray}
        known = {number: position for number, position in found.items() if position is not None}
        for number, position in known.items():
            self.standings.passed(number, position)
        return known

    def _position(self, partition: int) -> int | None:
        """Without a wait, which the client's own method does where a rebalance has taken the place away."""
        place = TopicPartition(self._topic, partition)
        if place not in self._consumer.assignment():
            return None
        assigned: Any = self._consumer._subscription.subscription  # noqa: SLF001  aiokafka tells it nowhere else
        state = assigned.assignment.state_value(place)
        return int(state.position) if state.has_valid_position else None

    async def bearings(self, partition: int, within: float) -> Bearings:
        """What Kafka says of it now. Raises CommitRefused where it is not ours any more."""
        place = TopicPartition(self._topic, partition)
        with self._told(partition, "its offsets"):
            async with asyncio.timeout(within):
                stored, began_with = await self._begun.look(partition)
                first = (await self._consumer.beginning_offsets([place]))[place]
                end = (await Written(self._consumer).ends([place]))[place]
        self.standings.began(partition, stored)
        return Bearings(self._topic, partition, stored, first, end, began_with)

    async def offset_of(self, partition: int, start: Start, within: float) -> int:
        """The log's beginning, what is its end for us, or the first record of that time or later."""
        place = TopicPartition(self._topic, partition)
        with self._told(partition, "its offsets"):
            async with asyncio.timeout(within):
                if start == "earliest":
                    return int((await self._consumer.beginning_offsets([place]))[place])
                if start != "latest" and (found := (await self._consumer.offsets_for_times({place: start}))[place]):
                    return int(found.offset)
                return int((await self._consumer.end_offsets([place]))[place])

    def seek(self, partition: int, offset: int) -> None:
        """Read on from there. Raises CommitRefused where it is not ours any more."""
        with self._told(partition, "seek"):
            self._consumer.seek(TopicPartition(self._topic, partition), offset)
        self.astray.pop(partition, None)
        self.standings.reads_from(partition, offset)

    @contextmanager
    def _told(self, partition: int, what: str) -> Iterator[None]:
        try:
            yield
        except IllegalStateError as error:
            raise CommitRefused(f"{self._topic}/{partition}: not assigned") from error
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self._topic}/{partition}: {what}: {named(error)}") from error

    async def commit(self, offsets: dict[int, int], within: float) -> None:
        """Store the next offset to read. Raises CommitRefused, or KafkaUnavailable when it takes longer."""
        if self._generation() < 0:
            # The broker would take a commit of a member that has left, and rewind the group (facts row 23).
            raise CommitRefused(f"{self._topic}: not a member of the group now")
        if not self._exists():
            # They would be stored for the topic that takes its name, whose first records nobody would read.
            raise CommitRefused(f"{self._topic}: {NO_TOPIC}")
        wanted = self._begun.noted(offsets)
        try:
            # Before Python 3.12 wait_for loses a cancellation that comes with the answer, as a revocation's often does.
            async with asyncio.timeout(within):
                await self._consumer.commit(wanted)
        except NOT_OURS_ANY_MORE as error:
            raise CommitRefused(f"{self._topic}: {type(error).__name__}") from error
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"{self._topic}: commit: {named(error)}") from error
        self.standings.committed |= offsets

    def _revive(self) -> None:
        """Join anew where a background task of the membership has died.

        aiokafka begins none again before the next rebalance and raises what ended it at every poll until then, long
        after the cause is gone; without a heartbeat the group takes our partitions away, and nobody would tell us.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001  aiokafka has no other way to join anew
        if coordinator is None:
            return
        tasks = (coordinator._heartbeat_task, coordinator._commit_refresh_task)  # noqa: SLF001  as above
        if any(task and task.done() and not task.cancelled() and task.exception() for task in tasks):
            coordinator.request_rejoin()

    def _exists(self) -> bool:
        """As far as the consumer has heard."""
        return bool(self._consumer.partitions_for_topic(self._topic))

    def _generation(self) -> int:
        coordinator = self._consumer._coordinator  # noqa: SLF001  aiokafka tells it nowhere else
        return int(coordinator.generation) if coordinator else -1


class _Listener(ConsumerRebalanceListener):
    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        await self._partitions.revoked([each.partition for each in revoked])

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Returns at once: no heartbeat is sent while it runs (facts row 15)."""
        self._partitions.assigned([each.partition for each in assigned])


@asynccontextmanager
async def record_source(
    connection: Connection, membership: Membership, partitions: Partitions, within: float = 10.0
) -> AsyncIterator[RecordSource]:
    """Joins the group, and leaves it in the end. Raises KafkaUnavailable."""
    consumer = AIOKafkaConsumer(
        **connection.arguments(),
        group_id=membership.group_id,
        group_instance_id=membership.group_instance_id,
        enable_auto_commit=False,
        # Where it begins is decided with what the journal knows, and never by the client.
        auto_offset_reset="none",
        isolation_level="read_committed",
        # Members that join together can livelock with several (facts row 12).
        partition_assignment_strategy=(StickyPartitionAssignor,),
        session_timeout_ms=int(membership.session_timeout * 1000),
        heartbeat_interval_ms=int(min(3.0, membership.session_timeout / 3) * 1000),
        rebalance_timeout_ms=int(membership.rebalance_timeout * 1000),
        fetch_max_wait_ms=int(FETCH_WAIT * 1000),
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=FETCH_BYTES_EACH,
    )
    consumer.subscribe([membership.topic], listener=_Listener(partitions))
    async with opened(consumer, connection, within):
        source = RecordSource(consumer, membership.topic)
        async with source.standings.kept_fresh():
            yield source


def as_record(given: ConsumerRecord[bytes, bytes]) -> Record:
    """As aiokafka hands it over -> as the worker takes it."""
    return Record(
        given.topic,
        given.partition,
        given.offset,
        given.timestamp,
        given.key,
        given.value,
        tuple((name, value) for name, value in given.headers),
    )
