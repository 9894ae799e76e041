"""Polls while a group shares out its partitions, through which the client's own would wait, without an end.

Whoever polls has to come back: it is told to stop meanwhile, says that it lives, and is the only one to hear that the
client's task which joins the group has died (docs: kafka, a poll while the group shares out).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

Batches = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
LATE = 1.0


def waits_for_a_coordinator(consumer: AIOKafkaConsumer) -> bool:
    """Whether the group shares out, and nobody is there who does: no commit, no fetch fails of it."""
    return _shares_out(consumer) and _coordinator(consumer).coordinator_id is None


async def polled(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], within: float, at_most: int) -> Batches:
    """The consumer's `getmany`, with an end at all times; what it raises."""
    if _shares_out(consumer):
        return await _nothing(consumer, within)
    limit = asyncio.timeout(within + LATE)
    try:
        async with limit:
            found: Batches = await consumer.getmany(*places, timeout_ms=int(within * 1000), max_records=at_most)
    except TimeoutError:
        if not limit.expired():
            raise
        # It had taken nothing yet: it waited for what the group gives next. The client would count it for ever.
        consumer._subscription._fetch_count -= 1  # noqa: SLF001  docs: kafka, a cancelled poll
        return {}
    return found


def _shares_out(consumer: AIOKafkaConsumer) -> bool:
    return bool(consumer._subscription.reassignment_in_progress)  # noqa: SLF001  aiokafka tells it nowhere else


def _coordinator(consumer: AIOKafkaConsumer) -> Any:  # noqa: ANN401  aiokafka's own, of which there are two
    return consumer._coordinator  # noqa: SLF001  as above


async def _nothing(consumer: AIOKafkaConsumer, within: float) -> Batches:
    """As the client's own poll, but for the wait: who is not known to poll is let into no group."""
    _coordinator(consumer).check_errors()
    with consumer._subscription.fetch_context():  # noqa: SLF001  as above
        await asyncio.sleep(within)
    return {}
