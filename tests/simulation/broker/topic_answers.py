"""Requests about topics themselves -> what the cluster makes of them, as the fields of the response."""

from collections.abc import Mapping
from typing import Any

from aiokafka import errors

from .cluster import OK, PORT, Cluster
from .log import Refused


async def _metadata(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    names = sorted(cluster.topics) if request.topics is None else request.topics
    brokers = [(node, f"broker-{node}", PORT, None) for node in sorted(cluster.nodes)]
    leaders = cluster.behind.get(node, cluster.leaders)
    return 0, brokers, "simulated", min(cluster.nodes, default=0), [_topic(cluster, name, leaders) for name in names]


def _topic(cluster: Cluster, name: str, leaders: Mapping[tuple[str, int], int]) -> tuple[Any, ...]:
    if ("describe", name) in cluster.denied:
        return errors.TopicAuthorizationFailedError.errno, name, False, []
    if name not in cluster.topics:
        return errors.UnknownTopicOrPartitionError.errno, name, False, []
    replicas = sorted(cluster.nodes)
    led: list[tuple[Any, ...]] = [
        (OK, number, leaders[name, number], replicas, replicas, [])
        for number in range(len(cluster.topics[name].logs))
        if (name, number) in leaders
    ]
    return OK, name, False, led


async def _configs(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    def one(kind: int, name: str, __: Any) -> tuple[Any, ...]:
        if kind != 2 or name not in cluster.topics:
            return OK, None, kind, name, []
        told = cluster.describe(name)
        return OK, None, kind, name, [(key, value, False, 5, False, []) for key, value in sorted(told.items())]

    return 0, [one(*each) for each in request.resources]


async def _create(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    def one(name: str, partitions: int, configs: Any) -> tuple[str, int, None]:
        if name in cluster.topics:
            return name, errors.TopicAlreadyExistsError.errno, None
        cluster.make(name, partitions, dict(configs))
        return name, OK, None

    return 0, [one(name, partitions, configs) for name, partitions, _, _, configs in request.create_topic_requests]


async def _grow(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    def one(name: str, partitions: int) -> tuple[str, int, None]:
        if name not in cluster.topics:
            return name, errors.UnknownTopicOrPartitionError.errno, None
        if partitions <= len(cluster.topics[name].logs):
            return name, errors.InvalidPartitionsError.errno, None
        cluster.grow(name, partitions)
        return name, OK, None

    return 0, [one(name, new[0]) for name, new in request.topic_partitions]


async def _delete(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    def one(name: str) -> tuple[str, int]:
        if name not in cluster.topics:
            return name, errors.UnknownTopicOrPartitionError.errno
        cluster.remove(name)
        return name, OK

    return 0, [one(name) for name in request.topics]


async def _delete_records(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    def one(topic: str, partition: int, offset: int) -> tuple[int, int, int]:
        try:
            log = cluster.led(topic, partition, node)
        except Refused as refused:
            return partition, -1, refused.code
        if offset > log.replicated:
            return partition, -1, errors.OffsetOutOfRangeError.errno
        log.delete_before(log.replicated if offset < 0 else offset)
        return partition, log.start, OK

    return 0, [(topic, [one(topic, *each) for each in partitions]) for topic, partitions in request.topics]


HANDLERS = {3: _metadata, 19: _create, 20: _delete, 21: _delete_records, 32: _configs, 37: _grow}
