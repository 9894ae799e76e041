"""Requests of our own to a partition's leader, over a consumer's connections, for what aiokafka has no public way."""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import LeaderNotAvailableError, for_code
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest

from worker.kafka.leaders import NO_LEADER

PAUSE: Final = 0.1
"""Seconds before a broker that has answered with nothing is asked again, at least."""


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


async def ask_for_batches(consumer: AIOKafkaConsumer, leader: int, request: FetchRequest) -> Any:  # noqa: ANN401  as above
    """The broker's answer to a fetch. Raises KafkaError.

    To a client that has used up its quota of bytes the broker answers without any partition. It is asked again then,
    for as long as the caller waits.
    """
    while not (answer := await ask(consumer, leader, request)).topics:  # noqa: ASYNC110  only the broker knows
        await asyncio.sleep(max(PAUSE, answer.throttle_time_ms / 1000))
    return answer


def judge(consumer: AIOKafkaConsumer, code: int) -> None:
    """Raise the error that the code stands for, if any. The client looks for leaders again: one may have moved."""
    if code:
        consumer._client.force_metadata_update()  # noqa: SLF001  as above
        raise for_code(code)
