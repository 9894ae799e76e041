"""How every consumer outside of the group is made: it never moves to another place in a log by itself.

Left to aiokafka, a reader whose place was deleted goes to the log's end, and finds nothing that is still there.
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
"""The requests, for whoever reads them: what was taken back was never asked for."""
UNCOMMITTED: Final[Isolation] = "read_uncommitted"
"""Topics that the worker alone writes, without transactions: nobody else's open one keeps their end back."""


def reader(
    connection: Connection,
    *topics: str,
    isolation: Isolation,
    fetch_wait: float = 0.5,
    fetch_bytes: int = 1024 * 1024,
) -> AIOKafkaConsumer:
    """Begins nowhere before it is told where, and raises one of `beside.PLACELESS` where the log has lost its place.

    `fetch_wait` is how many seconds a broker may wait for more, `fetch_bytes` how much it gives of a partition at once.
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
    """Whose place is lost: the offset that is not there, or None where there never was one."""
    told = error.args[0]
    return dict(told) if isinstance(told, Mapping) else {told: None}


async def bounds_of(
    consumer: AIOKafkaConsumer, topic: str, partitions: Collection[int], within: float
) -> dict[TopicPartition, tuple[int, int]]:
    """The (first, end) offsets of partitions that exist, as this consumer's isolation has them. KafkaUnavailable."""
    places = [TopicPartition(topic, number) for number in partitions]
    try:
        async with asyncio.timeout(within):
            await met(consumer, topic)
            first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnavailable(f"{topic}: cannot read it: {named(error, topic=topic)}") from error
    return {place: (first[place], end[place]) for place in places}


async def new_start(consumer: AIOKafkaConsumer, place: TopicPartition, position: int) -> int:
    """Where the log begins since its start has moved beyond that position. KafkaUnavailable where its end moved."""
    first = (await consumer.beginning_offsets([place]))[place]
    if first <= position:
        raise KafkaUnavailable(f"{place.topic}/{place.partition}: the log ends before offset {position}")
    return int(first)
