"""A request of the Kafka protocol -> what the cluster makes of it, as the fields of the response."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import errors
from aiokafka.protocol.api import RequestStruct

from .cluster import OK, Cluster
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
    15: 2,
    16: 2,
    18: 0,
    19: 3,
    20: 3,
    21: 1,
    22: 0,
    24: 0,
    26: 0,
    32: 1,
    37: 1,
    42: 1,
}
"""The newest version of each request that is understood here, by the request's number."""
PORT = 9092
EARLIEST = -2
LATEST = -1


async def answer(cluster: Cluster, node: int, request: RequestStruct) -> tuple[Any, ...]:
    """The response's fields, in their order."""
    return await HANDLERS[request.API_KEY](cluster, node, request)


async def _versions(_: Cluster, __: int, ___: Any) -> tuple[Any, ...]:
    return OK, [(key, 0, newest) for key, newest in VERSIONS.items()]


async def _metadata(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    names = sorted(cluster.topics) if request.topics is None else request.topics
    brokers = [(node, f"broker-{node}", PORT, None) for node in sorted(cluster.nodes)]
    return 0, brokers, "simulated", min(cluster.nodes, default=0), [_topic(cluster, name) for name in names]


def _topic(cluster: Cluster, name: str) -> tuple[Any, ...]:
    if ("describe", name) in cluster.denied:
        return errors.TopicAuthorizationFailedError.errno, name, False, []
    if name not in cluster.topics:
        return errors.UnknownTopicOrPartitionError.errno, name, False, []
    replicas = sorted(cluster.nodes)
    led: list[tuple[Any, ...]] = [
        (OK, number, cluster.leaders[name, number], replicas, replicas, [])
        for number in range(len(cluster.topics[name].logs))
    ]
    return OK, name, False, led


async def _produce(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    async def one(topic: str, partition: int, raw: bytes) -> tuple[Any, ...]:
        try:
            _allowed(cluster, "write", topic)
            first, time = await cluster.append(topic, partition, bytes(raw), node)
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
            log = cluster.led(topic, partition, node)
        except Refused as refused:
            return partition, refused.code, -1, -1
        if time == LATEST:
            return partition, OK, -1, log.stable if request.isolation_level else log.replicated
        if time == EARLIEST:
            return partition, OK, -1, log.start
        return (partition, OK, *log.at_time(time))

    return 0, [(topic, [one(topic, *each) for each in partitions]) for topic, partitions in request.topics]


async def _find_coordinator(cluster: Cluster, _: int, __: Any) -> tuple[Any, ...]:
    node = cluster.coordinator
    if node not in cluster.nodes:
        return 0, errors.GroupCoordinatorNotAvailableError.errno, None, -1, "", -1
    return 0, OK, None, node, f"broker-{node}", PORT


def _coordinated(cluster: Cluster, node: int) -> int:
    return OK if node == cluster.coordinator else errors.NotCoordinatorForGroupError.errno


async def _join(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if code := _coordinated(cluster, node):
        return 0, code, -1, "", "", "", []
    group = cluster.group(request.group)
    if request.API_VERSION >= 4 and not request.member_id and not request.group_instance_id:
        return 0, errors.MemberIdRequired.errno, -1, "", "", group.expect(), []
    timeouts = request.session_timeout / 1000, request.rebalance_timeout / 1000
    try:
        member = await group.join(request.member_id, request.group_instance_id, *timeouts, request.group_protocols[0])
    except Refused as refused:
        return 0, refused.code, -1, "", "", request.member_id, []
    members = (
        [(each.id, each.instance, each.metadata) for each in group.members.values()]
        if member.id == group.leader
        else []
    )
    return 0, OK, group.generation, group.protocol, group.leader, member.id, members


async def _sync(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if code := _coordinated(cluster, node):
        return 0, code, b""
    try:
        assigned = await cluster.group(request.group).sync(
            request.member_id, request.generation_id, dict(request.group_assignment)
        )
    except Refused as refused:
        return 0, refused.code, b""
    return 0, OK, assigned


async def _heartbeat(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    return 0, _code(
        cluster, node, lambda: cluster.group(request.group).heartbeat(request.member_id, request.generation_id)
    )


async def _leave(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    return 0, _code(cluster, node, lambda: cluster.group(request.group).leave(request.member_id))


def _code(cluster: Cluster, node: int, step: Callable[[], None]) -> int:
    if code := _coordinated(cluster, node):
        return code
    try:
        step()
    except Refused as refused:
        return int(refused.code)
    return OK


async def _commit(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    offsets = {(topic, each[0]): (each[1], each[2]) for topic, partitions in request.topics for each in partitions}
    group = cluster.group(request.consumer_group)
    member, generation = request.consumer_id, request.consumer_group_generation_id
    code = _code(cluster, node, lambda: group.commit(member, generation, offsets))
    return 0, [(topic, [(each[0], code) for each in partitions]) for topic, partitions in request.topics]


async def _committed(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if code := _coordinated(cluster, node):
        return 0, [], code
    known = cluster.group(request.consumer_group).offsets
    wanted = request.topics
    if wanted is None:
        names = sorted({topic for topic, _ in known})
        wanted = [(name, sorted(number for topic, number in known if topic == name)) for name in names]
    found = [
        (name, [(number, *known.get((name, number), (-1, "")), OK) for number in numbers]) for name, numbers in wanted
    ]
    return 0, found, OK


async def _init_producer(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if not request.transactional_id:
        return 0, OK, cluster.new_id(), 0
    if code := _coordinated(cluster, node):
        return 0, code, -1, -1
    begun = cluster.begin(request.transactional_id, request.transaction_timeout_ms / 1000)
    return 0, OK, begun.producer, begun.epoch


async def _add_partitions(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    places = {(topic, number) for topic, numbers in request.topics for number in numbers}
    code = _code(cluster, node, lambda: cluster.add(_its(cluster, request), places))
    return 0, [(topic, [(number, code) for number in numbers]) for topic, numbers in request.topics]


async def _end(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    committed = bool(request.transaction_result)
    return 0, _code(cluster, node, lambda: cluster.finish(_its(cluster, request), committed=committed))


def _its(cluster: Cluster, request: Any) -> Any:
    return cluster.transaction(request.transactional_id, request.producer_id, request.producer_epoch)


async def _configs(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    def one(kind: int, name: str, __: Any) -> tuple[Any, ...]:
        if kind != 2 or name not in cluster.topics:
            return OK, None, kind, name, []
        told = cluster.describe(name)
        return OK, None, kind, name, [(key, value, False, 5, False, []) for key, value in sorted(told.items())]

    return 0, [one(*each) for each in request.resources]


async def _describe_groups(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    def one(name: str) -> tuple[Any, ...]:
        group = cluster.group(name)
        state = "Stable" if group.members else "Empty"
        members = [(each.id, "worker", "host", each.metadata, each.assigned) for each in group.members.values()]
        return OK, name, state, "consumer", group.protocol, members

    return 0, [one(name) for name in request.groups]


Handler = Callable[[Cluster, int, Any], Awaitable[tuple[Any, ...]]]
HANDLERS: dict[int, Handler] = {
    0: _produce, 1: _fetch, 2: _offsets, 3: _metadata, 8: _commit, 9: _committed, 10: _find_coordinator, 11: _join,
    12: _heartbeat, 13: _leave, 14: _sync, 15: _describe_groups, 18: _versions, 22: _init_producer, 24: _add_partitions,
    26: _end, 32: _configs,
}  # fmt: skip
