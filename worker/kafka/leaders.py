"""Which partitions have a leader that takes messages, and what is missing where one has none."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

NO_LEADER = (None, -1)
LOOK_AGAIN_AFTER = 0.1


def has_leader(consumer: AIOKafkaConsumer, place: TopicPartition) -> bool:
    """Whether the partition has a leader, as far as the consumer has heard."""
    return consumer._client.cluster.leader_for_partition(place) not in NO_LEADER  # noqa: SLF001  nobody else knows it


def missing(cluster: ClusterMetadata, topic: str, partition: int | None = None) -> KafkaError | None:
    """What the topic, or that partition of it, lacks, as far as a client has heard of the cluster; None for nothing."""
    if topic in cluster.unauthorized_topics:
        return TopicAuthorizationFailedError(topic)
    numbers = cluster.partitions_for_topic(topic) or set()
    if not numbers or (partition is not None and partition not in numbers):
        return UnknownTopicOrPartitionError()
    if partition is not None and cluster.leader_for_partition(TopicPartition(topic, partition)) == -1:
        return LeaderNotAvailableError()
    return None


async def partitions(producer: AIOKafkaProducer, topic: str, partition: int | None, within: float) -> set[int]:
    """The topic's partitions, once it exists and the given partition, if any, has a leader.

    Else raises what is `missing`.

    A batch that is handed over without a leader costs a sequence number, has the client ask for metadata without a
    pause, and is given up in the end.
    """
    producer.client.add_topic(topic)
    until = asyncio.get_running_loop().time() + within
    cluster = producer.client.cluster
    while missing(cluster, topic, partition):
        # A client that was closed meanwhile never answers.
        await asyncio.wait({producer.client.force_metadata_update()}, timeout=within)
        lack = missing(cluster, topic, partition)
        if lack and (asyncio.get_running_loop().time() > until or isinstance(lack, TopicAuthorizationFailedError)):
            raise lack
        await asyncio.sleep(LOOK_AGAIN_AFTER if lack else 0)
    return cluster.partitions_for_topic(topic) or set()
