"""The request topic as a member of the consumer group: polled for ever, committed to on demand."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from worker.kafka.added import Added
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import named
from worker.kafka.group_offsets import GroupOffsets
from worker.kafka.membership import Listener, Membership, Partitions, commits_as_member, joined, offsets_as_told
from worker.kafka.narrowing import Narrowing
from worker.kafka.reading import Reading
from worker.kafka.records import as_record
from worker.kafka.revival import rejoin, revive_fetcher
from worker.kafka.sharing import waits_for_a_coordinator
from worker.model.errors import KafkaUnavailable
from worker.model.records import Record

FETCH_WAIT = 0.1
# A new partition is noticed within so many seconds; by the client's own five minutes it would go unread for so long.
METADATA_EVERY = 3.0
# The client reads ahead so many bytes, in an answer and of a partition: its own 50 MiB and 1 MiB fill a container.
FETCH_BYTES = 8 * 1024 * 1024
FETCH_BYTES_EACH = 256 * 1024


class RecordSource(GroupOffsets):
    """Reads only from the partitions that it is asked for, and never cancels a poll (docs: kafka, a cancelled poll)."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        super().__init__(consumer, topic)
        self.added = Added(consumer, topic)
        self._beside = Narrowing(consumer, topic)
        self._reading = Reading(consumer, topic, self._beside)

    @property
    def unreadable(self) -> Mapping[int, str]:
        """Why nothing can be read for now, with the place, by partition; the other partitions are read all the same."""
        return self._beside.unreadable

    @property
    def astray(self) -> Mapping[int, int]:
        """The partitions that wait for a `seek`, each with the offset that its log does not hold."""
        return self._beside.astray

    @property
    def partitions(self) -> int:
        """How many partitions the topic had at the last rebalance; 0 before the first."""
        return self.added.known

    def forget(self, partitions: Collection[int]) -> None:
        """Drop what is known of partitions that are not ours any more."""
        for number in partitions:
            self._reading.forget(number)

    def refresh(self) -> None:
        """Have the client ask for the topic's metadata again."""
        self._consumer._client.force_metadata_update()  # noqa: SLF001  aiokafka has no other way to ask

    def count(self) -> None:
        """Count the partitions of the topic; called when a rebalance has given us ours."""
        self.added.count()

    def close(self) -> None:
        """End all reading beside the consumer; nothing is polled any more."""
        self._beside.close()

    async def poll(self, partitions: Collection[int], *, within: float, at_most: int) -> list[Record]:
        """Records of these partitions; none after `within` seconds. Raises KafkaUnavailable, and nothing else.

        What keeps a single partition from being read is told by `unreadable` and `astray` alone.
        """
        try:
            batches = await self._reading.poll(partitions, within, at_most)
        except Exception as error:
            rejoin(self._consumer)
            raise KafkaUnavailable(f"{self._topic}: {named(error, topic=self._topic)}") from error
        if not batches:
            self._look_after()
        self.standings.read(batches)
        records = [as_record(each) for batch in batches.values() for each in batch]
        # Records read beside the client: as many again at most; where a single one is asked for, one in all.
        beside = self._beside.take(partitions, at_most if at_most > 1 else at_most - len(records))
        for record in beside[-1:]:
            self.standings.read_to(record.partition, record.offset + 1)
        return records + beside

    def _look_after(self) -> None:
        """Find out why nothing came: there may be no record, no topic, or no fetching task. Raises KafkaUnavailable."""
        revive_fetcher(self._consumer)
        if unseen := self._unseen():
            self.refresh()
            raise KafkaUnavailable(f"{self._topic}: {unseen}")
        if waits_for_a_coordinator(self._consumer):
            raise KafkaUnavailable(f"{self._topic}: no broker coordinates the group")

    def passed(self, partitions: Collection[int]) -> dict[int, int]:
        """The next offset to hand out, by partition: all before it was handed out, or holds no record for us.

        Must be called right after a poll, before anything else is awaited.
        """
        found = {number: self._position(number) for number in partitions if number not in self._beside}
        known = {number: position for number, position in found.items() if position is not None}
        for number, position in known.items():
            self.standings.passed(number, position)
        return known

    def _position(self, partition: int) -> int | None:
        """The client's position, without the wait of its own method, which blocks once a rebalance took the partition.

        None where the client's next poll raises: it has passed a batch that it calls too large, and handed it to
        nobody.
        """
        place = TopicPartition(self._topic, partition)
        if place not in self._consumer.assignment() or self._reading.fails(place):
            return None
        assigned: Any = self._consumer._subscription.subscription  # noqa: SLF001  aiokafka tells it nowhere else
        state = assigned.assignment.state_value(place)
        return int(state.position) if state.has_valid_position else None

    def seek(self, partition: int, offset: int) -> None:
        """Read on from that offset. Raises CommitRefused where the partition is not ours any more."""
        with self._told(partition, "seek"):
            self._consumer.seek(TopicPartition(self._topic, partition), offset)
        self._reading.begins(partition, offset)
        self.standings.reads_from(partition, offset)


@asynccontextmanager
async def record_source(
    connection: Connection, membership: Membership, partitions: Partitions, within: float = 10.0
) -> AsyncIterator[RecordSource]:
    """Join the group, and leave it in the end; the join may go on after this is open. Raises KafkaUnavailable."""
    consumer = AIOKafkaConsumer(
        **connection.arguments(),
        group_id=membership.group_id,
        group_instance_id=membership.group_instance_id,
        enable_auto_commit=False,
        # Where a partition begins is decided with what the journal knows, and never by the client.
        auto_offset_reset="none",
        isolation_level="read_committed",
        # Members that join together can livelock with several (docs: kafka, several assignors).
        partition_assignment_strategy=(StickyPartitionAssignor,),
        session_timeout_ms=int(membership.session_timeout * 1000),
        heartbeat_interval_ms=int(min(3.0, membership.session_timeout / 3) * 1000),
        rebalance_timeout_ms=int(membership.rebalance_timeout * 1000),
        metadata_max_age_ms=int(METADATA_EVERY * 1000),
        fetch_max_wait_ms=int(FETCH_WAIT * 1000),
        fetch_max_bytes=FETCH_BYTES,
        max_partition_fetch_bytes=FETCH_BYTES_EACH,
    )
    source = RecordSource(consumer, membership.topic)
    async with opened(consumer, connection, within):
        commits_as_member(consumer)
        offsets_as_told(consumer)
        try:
            consumer.subscribe([membership.topic], listener=Listener(partitions, source))
            await joined(consumer, connection, within)
            async with source.standings.kept_fresh(), source.added.looked_after():
                yield source
        finally:
            source.close()
