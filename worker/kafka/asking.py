"""Requests of our own to a partition's leader, over a consumer's connections, for what aiokafka has no public way."""

from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import LeaderNotAvailableError, for_code
from aiokafka.protocol.api import Request

from worker.kafka.leaders import NO_LEADER


def leader_of(consumer: AIOKafkaConsumer, place: TopicPartition) -> int:
    """The id of the partition's leader. Raises LeaderNotAvailableError, and has the client ask for leaders again."""
    client = consumer._client  # noqa: SLF001  nobody else knows it
    leader = client.cluster.leader_for_partition(place)
    if leader in NO_LEADER:
        client.force_metadata_update()
        raise LeaderNotAvailableError
    return int(leader)


async def ask(consumer: AIOKafkaConsumer, leader: int, request: Request[Any]) -> Any:  # noqa: ANN401  one form for each
    """The broker's answer to the request. Raises KafkaError."""
    return await consumer._client.send(leader, request)  # noqa: SLF001  no public way


def judge(consumer: AIOKafkaConsumer, code: int) -> None:
    """Raise the error that the code stands for, if any. The client looks for leaders again: one may have moved."""
    if code:
        consumer._client.force_metadata_update()  # noqa: SLF001  as above
        raise for_code(code)
