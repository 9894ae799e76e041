"""What stands behind an open transaction: a client that reads only what is committed does not tell it."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest

from worker.kafka.asking import ask, ask_for_batches, judge, leader_of
from worker.kafka.batches import UnreadableBatch, first_batch

READ_UNCOMMITTED, LATEST = 0, -1
WAIT, ONE_BATCH = 0, 1


@dataclass(frozen=True, slots=True)
class Written:
    """Asks about all that is written, over the consumer's connections, whatever its isolation. Raises KafkaError."""

    consumer: AIOKafkaConsumer

    async def ends(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The end of each log: one past its last record, committed or not."""
        by_leader = defaultdict(list)
        for place in places:
            by_leader[leader_of(self.consumer, place)].append(place)
        found = {}
        for leader, asked in by_leader.items():
            topics = [(place.topic, [(place.partition, LATEST)]) for place in asked]
            answer = await ask(self.consumer, leader, OffsetRequest(-1, READ_UNCOMMITTED, topics))
            for topic, parts in answer.topics:
                for partition, code, *_, offset in parts:
                    judge(self.consumer, code)
                    found[TopicPartition(topic, partition)] = int(offset)
        return found

    async def timestamp(self, place: TopicPartition, offset: int) -> int | None:
        """The time of the batch there, committed or not (milliseconds since the epoch); None where it is unreadable."""
        wanted = [(place.topic, [(place.partition, offset, ONE_BATCH)])]
        request = FetchRequest(WAIT, 0, ONE_BATCH, READ_UNCOMMITTED, wanted)
        answer = await ask_for_batches(self.consumer, leader_of(self.consumer, place), request)
        ((_, ((_, code, *_, raw),)),) = answer.topics
        judge(self.consumer, code)
        try:
            return first_batch(bytes(raw or b"")).timestamp
        except UnreadableBatch:
            return None
