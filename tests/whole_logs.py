"""Consumers that read partitions from their beginnings."""

from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition


async def read_whole(consumer: AIOKafkaConsumer, places: Collection[TopicPartition]) -> None:
    """Have the consumer read these partitions, each from its first offset on.

    Told to find it by itself, it may ask a broker for ever that leads the partition no more (docs: kafka, a place that
    the client looks for).
    """
    consumer.assign(places)
    for place, first in (await consumer.beginning_offsets(places)).items():
        consumer.seek(place, first)
