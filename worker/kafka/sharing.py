"""Polls that end in time even during a rebalance, for which the client's own poll would wait without a limit.

The loop that polls must not be stuck in it: it has to notice that it is to stop, to report that it is alive, and to
hear when the client's task that joins the group has died (docs: kafka, a poll while the group shares out).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

Batches = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
LATE = 1.0


def waits_for_a_coordinator(consumer: AIOKafkaConsumer) -> bool:
    """Whether a rebalance is under way without a coordinator; neither a commit nor a fetch fails then to tell it."""
    return _shares_out(consumer) and _coordinator(consumer).coordinator_id is None


async def polled(consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], within: float, at_most: int) -> Batches:
    """The consumer's `getmany`, which ends within `within` + LATE seconds; raises what it raises."""
    if _shares_out(consumer):
        return await _nothing(consumer, within)
    limit = asyncio.timeout(within + LATE)
    try:
        async with limit:
            found: Batches = await consumer.getmany(*places, timeout_ms=int(within * 1000), max_records=at_most)
    except TimeoutError:
        if not limit.expired():
            raise
        # The poll was waiting for the next assignment and took no record. The client would count it as open for ever.
        consumer._subscription._fetch_count -= 1  # noqa: SLF001  docs: kafka, a cancelled poll
        return {}
    return found


def _shares_out(consumer: AIOKafkaConsumer) -> bool:
    return bool(consumer._subscription.reassignment_in_progress)  # noqa: SLF001  aiokafka tells it nowhere else


def _coordinator(consumer: AIOKafkaConsumer) -> Any:  # noqa: ANN401  aiokafka's own, of which there are two
    return consumer._coordinator  # noqa: SLF001  as above


async def _nothing(consumer: AIOKafkaConsumer, within: float) -> Batches:
    """Wait without a record, but count as a poll, as a member that does not poll may not stay in the group."""
    _coordinator(consumer).check_errors()
    with consumer._subscription.fetch_context():  # noqa: SLF001  as above
        await asyncio.sleep(within)
    return {}
