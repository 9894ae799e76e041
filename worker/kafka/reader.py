"""How every consumer outside of the group is made: it never moves to another place in a log by itself.

By its defaults, aiokafka goes to the log's end where a reader's place was deleted, and skips what is still there.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from worker.kafka.connection import Connection, met
from worker.kafka.failures import named
from worker.model.errors import KafkaUnavailable

Isolation = Literal["read_committed", "read_uncommitted"]
COMMITTED: Final[Isolation] = "read_committed"
"""For every reader of the requests: a record of an aborted transaction is not a request."""
UNCOMMITTED: Final[Isolation] = "read_uncommitted"
"""For topics that the worker alone writes, without transactions: a foreign open one does not hide their end."""


def reader(
    connection: Connection,
    *topics: str,
    isolation: Isolation,
    fetch_wait: float = 0.5,
    fetch_bytes: int = 1024 * 1024,
) -> AIOKafkaConsumer:
    """A consumer without a group. It reads nothing before it is told where to begin.

    It raises one of `beside.PLACELESS` where its offset is not in the log. `fetch_wait` is for how many seconds a
    broker may wait for more, `fetch_bytes` how much it gives of a partition at once.
    """
    return AIOKafkaConsumer(
        *topics,
        **connection.arguments(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=isolation,
        fetch_max_wait_ms=int(fetch_wait * 1000),
        max_partition_fetch_bytes=fetch_bytes,
    )


def placeless(error: NoOffsetForPartitionError | OffsetOutOfRangeError) -> dict[TopicPartition, int | None]:
    """The partitions whose place is lost: each with the offset that is not there, or None where there was none."""
    told = error.args[0]
    return dict(told) if isinstance(told, Mapping) else {told: None}


async def bounds_of(
    consumer: AIOKafkaConsumer, topic: str, partitions: Collection[int], within: float
) -> dict[TopicPartition, tuple[int, int]]:
    """The (first, end) offsets of existing partitions, by this consumer's isolation. Raises KafkaUnavailable."""
    places = [TopicPartition(topic, number) for number in partitions]
    try:
        async with asyncio.timeout(within):
            await met(consumer, topic)
            first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"{topic}: cannot read it: {named(error, topic=topic)}") from error
    return {place: (first[place], end[place]) for place in places}


async def new_start(consumer: AIOKafkaConsumer, place: TopicPartition, position: int) -> int:
    """Where the log begins after its start moved beyond that position. KafkaUnavailable if its end moved instead."""
    first = (await consumer.beginning_offsets([place]))[place]
    if first <= position:
        raise KafkaUnavailable(f"{place.topic}/{place.partition}: the log ends before offset {position}")
    return int(first)
