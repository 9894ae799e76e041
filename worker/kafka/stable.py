"""What stands behind an open transaction, which a client that reads what is committed does not tell."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import LeaderNotAvailableError, for_code
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

READ_UNCOMMITTED, LATEST = 0, -1
WAIT, ONE_BATCH = 0, 1


@dataclass(frozen=True, slots=True)
class Written:
    """Asks over the consumer's own connections, whatever it reads itself. Raises KafkaError."""

    consumer: AIOKafkaConsumer

    async def ends(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """One past the last record of each, committed or not."""
        by_leader = defaultdict(list)
        for place in places:
            by_leader[self._leader(place)].append(place)
        found = {}
        for leader, asked in by_leader.items():
            topics = [(place.topic, [(place.partition, LATEST)]) for place in asked]
            answer = await self._ask(leader, OffsetRequest(-1, READ_UNCOMMITTED, topics))
            for topic, parts in answer.topics:
                for partition, code, *_, offset in parts:
                    self._judge(code)
                    found[TopicPartition(topic, partition)] = int(offset)
        return found

    async def timestamp(self, place: TopicPartition, offset: int) -> int | None:
        """Of the first record from that offset on, committed or not, in milliseconds since the epoch."""
        wanted = [(place.topic, [(place.partition, offset, ONE_BATCH)])]
        request = FetchRequest(WAIT, 0, ONE_BATCH, READ_UNCOMMITTED, wanted)
        answer = await self._ask(self._leader(place), request)
        ((_, ((_, code, *_, raw),)),) = answer.topics
        self._judge(code)
        batch = MemoryRecords(bytes(raw or b"")).next_batch()
        stamps = (record.timestamp for record in batch or () if record.offset >= offset)
        return next(stamps, None)

    def _leader(self, place: TopicPartition) -> int:
        leader = self.consumer._client.cluster.leader_for_partition(place)  # noqa: SLF001  nobody else knows it
        if leader is None or leader < 0:
            raise LeaderNotAvailableError
        return int(leader)

    async def _ask(self, leader: int, request: Request[Any]) -> Any:  # noqa: ANN401  one form for each kind of question
        return await self.consumer._client.send(leader, request)  # noqa: SLF001  no public way

    def _judge(self, code: int) -> None:
        if code:
            self.consumer._client.force_metadata_update()  # noqa: SLF001  it may have moved
            raise for_code(code)
