"""Reads some records of a topic by their places, those that lie close together in one go; without a group."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from worker.kafka.beside import patiently
from worker.kafka.connection import Connection, opened
from worker.kafka.failures import unread
from worker.kafka.reader import Isolation, bounds_of, reader
from worker.kafka.records import as_record
from worker.model.records import Record

Form = TypeVar("Form")
CLOSE = 100
"""Up to so many records are read over rather than skipped: to skip costs a question to the broker."""
POLL = 500
FETCH_WAIT = 0.02
FETCH_BYTES = 256 * 1024
NOWHERE = -1


async def picked(  # noqa: PLR0913  what may be left out has a name
    connection: Connection,
    topic: str,
    offsets: Mapping[int, Collection[int]],
    form: Callable[[Record], Form],
    within: float = 15.0,
    *,
    isolation: Isolation,
) -> list[Form]:
    """What `form` makes of each of these records, by partition in their order; missing ones are left out.

    `offsets` are by partition. Raises KafkaUnavailable.
    """
    consumer = reader(connection, isolation=isolation, fetch_wait=FETCH_WAIT, fetch_bytes=FETCH_BYTES)
    found: list[Form] = []
    async with opened(consumer, connection, within):
        for place, (first, end) in (await bounds_of(consumer, topic, offsets, within)).items():
            there = sorted(each for each in offsets[place.partition] if first <= each < end)
            try:
                async with asyncio.timeout(within):
                    found += await _picked(consumer, place, there, form)
            except (KafkaError, TimeoutError) as error:
                raise unread(place, error) from error
    return found


async def _picked(
    consumer: AIOKafkaConsumer, place: TopicPartition, offsets: list[int], form: Callable[[Record], Form]
) -> list[Form]:
    consumer.assign([place])
    found, position = [], NOWHERE
    while offsets:
        if position == NOWHERE or not position <= offsets[0] <= position + CLOSE:
            consumer.seek(place, offsets[0])
        try:
            batches = await patiently(consumer, place, timeout_ms=POLL, max_records=CLOSE)
        except OffsetOutOfRangeError:
            offsets, position = offsets[1:], NOWHERE  # deleted meanwhile, the next one perhaps not
            continue
        wanted = set(offsets)
        found += [form(as_record(each)) for each in batches.get(place, []) if each.offset in wanted]
        position = await consumer.position(place)
        offsets = [each for each in offsets if each >= position]
    return found
