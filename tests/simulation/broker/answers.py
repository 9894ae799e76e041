"""A request of the Kafka protocol -> what the cluster makes of it, as the fields of the response."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import errors
from aiokafka.protocol.api import RequestStruct

from . import group_answers, topic_answers
from .cluster import OK, Cluster
from .group_answers import code_of, coordinated
from .log import Refused

VERSIONS = {
    0: 7,
    1: 11,
    2: 3,
    3: 5,
    8: 3,
    9: 3,
    10: 1,
    11: 5,
    12: 1,
    13: 1,
    14: 3,
    15: 3,
    18: 0,
    19: 3,
    20: 1,
    21: 1,
    22: 0,
    24: 0,
    26: 0,
    32: 1,
    37: 1,
}
"""The newest version of each request that is understood here, by the request's number."""
EARLIEST = -2
LATEST = -1
UNREADABLE = (
    errors.NotLeaderForPartitionError, errors.UnknownTopicOrPartitionError, errors.LeaderNotAvailableError,
    errors.KafkaStorageError,
)  # fmt: skip
"""What a leader may answer for now: it was elected just before, or its disk is slow."""
UNSURE = (errors.RequestTimedOutError, errors.NotEnoughReplicasAfterAppendError)
"""What it may answer of a batch that it has stored."""


async def answer(cluster: Cluster, node: int, request: RequestStruct) -> tuple[Any, ...]:
    """The response's fields, in their order."""
    return await HANDLERS[request.API_KEY](cluster, node, request)


async def _versions(_: Cluster, __: int, ___: Any) -> tuple[Any, ...]:
    return OK, [(key, 0, newest) for key, newest in VERSIONS.items()]


async def _produce(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    async def one(topic: str, partition: int, raw: bytes) -> tuple[Any, ...]:
        try:
            _allowed(cluster, "write", topic)
            cluster.waver(*UNREADABLE)
            first, time = await cluster.append(topic, partition, bytes(raw), node)
            cluster.waver(*UNSURE)
        except Refused as refused:
            return partition, refused.code, -1, -1, -1
        return partition, OK, first, time, 0

    stored = [
        (topic, [await one(topic, number, raw) for number, raw in partitions]) for topic, partitions in request.topics
    ]
    return stored, 0


def _allowed(cluster: Cluster, what: str, topic: str) -> None:
    if (what, topic) in cluster.denied:
        raise Refused(errors.TopicAuthorizationFailedError)


async def _fetch(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    """Waits until there is something to read, as long as the request says."""
    until = asyncio.get_running_loop().time() + request.max_wait_time / 1000
    while True:
        events = [cluster.changed[topic, each[0]] for topic, partitions in request.topics for each in partitions]
        found = [
            (topic, [_read(cluster, node, topic, each, request.isolation_level) for each in partitions])
            for topic, partitions in request.topics
        ]
        left = until - asyncio.get_running_loop().time()
        if left <= 0 or any(each[1] or each[-1] for _, partitions in found for each in partitions):
            return 0, OK, 0, found
        waits = [asyncio.ensure_future(event.wait()) for event in events]
        await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()


def _read(cluster: Cluster, node: int, topic: str, wanted: tuple[Any, ...], isolation: int) -> tuple[Any, ...]:
    partition, _, offset, _, most = wanted
    try:
        _allowed(cluster, "read", topic)
        cluster.waver(*UNREADABLE)
        cluster.mislead(partition)
        log = cluster.led(topic, partition, node)
        raw = log.read(offset, most, committed=bool(isolation))
    except Refused as refused:
        return partition, refused.code, -1, -1, -1, [], -1, b""
    aborted = log.aborted_from(offset) if isolation else []
    return partition, OK, log.replicated, log.stable, log.start, aborted, -1, raw


async def _offsets(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    def one(topic: str, partition: int, time: int) -> tuple[Any, ...]:
        try:
            _allowed(cluster, "read", topic)
            cluster.waver(*UNREADABLE)
            log = cluster.led(topic, partition, node)
        except Refused as refused:
            return partition, refused.code, -1, -1
        if time == LATEST:
            return partition, OK, -1, log.stable if request.isolation_level else log.replicated
        if time == EARLIEST:
            return partition, OK, -1, log.start
        return (partition, OK, *log.at_time(time))

    return 0, [(topic, [one(topic, *each) for each in partitions]) for topic, partitions in request.topics]


async def _init_producer(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if not request.transactional_id:
        return 0, OK, cluster.new_id(), 0
    if code := coordinated(cluster, node):
        return 0, code, -1, -1
    begun = cluster.begin(request.transactional_id, request.transaction_timeout_ms / 1000)
    return 0, OK, begun.producer, begun.epoch


async def _add_partitions(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    places = {(topic, number) for topic, numbers in request.topics for number in numbers}
    code = code_of(cluster, node, lambda: cluster.add(_its(cluster, request), places))
    return 0, [(topic, [(number, code) for number in numbers]) for topic, numbers in request.topics]


async def _end(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    committed = bool(request.transaction_result)
    return 0, code_of(cluster, node, lambda: cluster.finish(_its(cluster, request), committed=committed))


def _its(cluster: Cluster, request: Any) -> Any:
    return cluster.transaction(request.transactional_id, request.producer_id, request.producer_epoch)


Handler = Callable[[Cluster, int, Any], Awaitable[tuple[Any, ...]]]
HANDLERS: dict[int, Handler] = {
    0: _produce, 1: _fetch, 2: _offsets, 18: _versions, 22: _init_producer, 24: _add_partitions, 26: _end,
    **group_answers.HANDLERS, **topic_answers.HANDLERS,
}  # fmt: skip
