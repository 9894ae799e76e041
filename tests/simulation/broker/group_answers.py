"""Requests to a group's coordinator -> what it makes of them, as the fields of the response."""

from collections.abc import Callable
from typing import Any

from aiokafka import errors

from .cluster import OK, PORT, Cluster
from .log import Refused

ALL_RIGHTS = 0x1FF8
"""One bit for each operation that Kafka knows."""
LOADING = (
    errors.GroupLoadInProgressError,
    errors.GroupCoordinatorNotAvailableError,
    errors.NotCoordinatorForGroupError,
)
"""What a broker may answer that has just become the coordinator, or does not know yet that it has."""


async def _find_coordinator(cluster: Cluster, _: int, __: Any) -> tuple[Any, ...]:
    node = cluster.coordinator
    if node not in cluster.nodes:
        return 0, errors.GroupCoordinatorNotAvailableError.errno, None, -1, "", -1
    return 0, OK, None, node, f"broker-{node}", PORT


def coordinated(cluster: Cluster, node: int) -> int:
    """Kafka's code for whether that node is asked in vain."""
    try:
        cluster.waver(*LOADING)
    except Refused as refused:
        return refused.code
    return OK if node == cluster.coordinator else int(errors.NotCoordinatorForGroupError.errno)


async def _join(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if code := coordinated(cluster, node):
        return 0, code, -1, "", "", "", []
    group = cluster.group(request.group)
    if request.API_VERSION >= 4 and not request.member_id and not request.group_instance_id:
        return 0, errors.MemberIdRequired.errno, -1, "", "", group.expect(), []
    timeouts = request.session_timeout / 1000, request.rebalance_timeout / 1000
    try:
        member, leader = await group.join(
            request.member_id, request.group_instance_id, *timeouts, request.group_protocols[0]
        )
    except Refused as refused:
        return 0, refused.code, -1, "", "", request.member_id, []
    members = (
        [(each.id, each.instance, each.metadata) for each in group.members.values()] if member.id == leader else []
    )
    return 0, OK, group.generation, group.protocol, leader, member.id, members


async def _sync(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if code := coordinated(cluster, node):
        return 0, code, b""
    try:
        assigned = await cluster.group(request.group).sync(
            request.member_id, request.generation_id, dict(request.group_assignment)
        )
    except Refused as refused:
        return 0, refused.code, b""
    return 0, OK, assigned


async def _heartbeat(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    return 0, code_of(
        cluster, node, lambda: cluster.group(request.group).heartbeat(request.member_id, request.generation_id)
    )


async def _leave(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    return 0, code_of(cluster, node, lambda: cluster.group(request.group).leave(request.member_id))


def code_of(cluster: Cluster, node: int, step: Callable[[], None]) -> int:
    """Kafka's code for how the step of a coordinator ended."""
    if code := coordinated(cluster, node):
        return code
    try:
        step()
        cluster.waver(errors.GroupCoordinatorNotAvailableError)  # its replicas have not said that they have it
    except Refused as refused:
        return int(refused.code)
    return OK


async def _commit(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    offsets = {(topic, each[0]): (each[1], each[2]) for topic, partitions in request.topics for each in partitions}
    group = cluster.group(request.consumer_group)
    member, generation = request.consumer_id, request.consumer_group_generation_id
    code = code_of(cluster, node, lambda: group.commit(member, generation, offsets))
    return 0, [(topic, [(each[0], code) for each in partitions]) for topic, partitions in request.topics]


async def _committed(cluster: Cluster, node: int, request: Any) -> tuple[Any, ...]:
    if code := coordinated(cluster, node):
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


async def _describe_groups(cluster: Cluster, _: int, request: Any) -> tuple[Any, ...]:
    rights = (ALL_RIGHTS,) if request.API_VERSION >= 3 else ()

    def one(name: str) -> tuple[Any, ...]:
        group = cluster.group(name)
        state = "Stable" if group.members else "Empty"
        members = [(each.id, "worker", "host", each.metadata, each.assigned) for each in group.members.values()]
        return OK, name, state, "consumer", group.protocol, members, *rights

    return 0, [one(name) for name in request.groups]


HANDLERS = {
    8: _commit, 9: _committed, 10: _find_coordinator, 11: _join, 12: _heartbeat, 13: _leave, 14: _sync,
    15: _describe_groups,
}  # fmt: skip
