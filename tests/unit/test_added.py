"""Partitions that nobody in the group has are shared out, whoever should have seen them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import KafkaConnectionError
from patience import PATIENCE
from structlog.testing import capture_logs

from worker.kafka import added
from worker.kafka.added import Added


def given(*partitions: int, topic: str = "t") -> bytes:
    """What a member has, on the wire."""
    return bytes(ConsumerProtocol.ASSIGNMENT(0, [(topic, list(partitions))], b"").encode())


class Group:
    """A consumer of a topic, and the coordinator of its group."""

    def __init__(self, partitions: int, *members: bytes) -> None:
        self.partitions, self.members, self.code, self.state = partitions, list(members), 0, "Stable"
        self.rejoins, self.asked, self.fails = 0, 0, Exception
        self._coordinator = SimpleNamespace(request_rejoin=self._rejoin, coordinator_id=1, group_id="g")
        self._client = self

    def _rejoin(self) -> None:
        self.rejoins += 1

    def partitions_for_topic(self, _: str) -> set[int] | None:
        return set(range(self.partitions)) or None

    async def send(self, _: int, request: Any) -> Any:
        self.asked += 1
        if self.fails is not Exception:
            raise self.fails
        members = [("id", "client", "host", b"", assignment) for assignment in self.members]
        return SimpleNamespace(groups=[(self.code, request._groups[0], self.state, "consumer", "sticky", members, 0)])


def added_of(group: Group) -> Added:
    consumer: Any = group
    return Added(consumer, "t")


async def rejoins(group: Group, looks: int) -> int:
    """So many looks after one another: how many rebalances were asked for."""
    found = added_of(group)
    for _ in range(looks):
        await found.look()
    return group.rejoins


async def test_partitions_that_all_have_an_owner():
    """A member may have none of them, as one does that waits for its first, or reads another topic, too."""
    group = Group(3, given(0, 2), given(1), b"", given(), given(5, topic="u"))
    assert await rejoins(group, 5) == 0


async def test_a_partition_that_nobody_has():
    """At two looks: the leader may just have seen it. Where a rebalance does not help, one is asked for again."""
    assert await rejoins(Group(3, given(0), given(1)), 1) == 0
    with capture_logs() as lines:
        assert await rejoins(Group(3, given(0), given(1)), 2) == 1
    assert lines == [{"event": "partitions.left_out", "log_level": "warning", "topic": "t", "partitions": [2]}]
    assert await rejoins(Group(3, given(0), given(1)), 3) == 1
    assert await rejoins(Group(3, given(0), given(1)), 4) == 2


async def test_other_partitions_at_the_next_look():
    group = Group(3, given(0), given(1))
    found = added_of(group)
    await found.look()
    group.members, group.partitions = [given(0, 1, 2)], 4
    await found.look()
    assert group.rejoins == 0
    await found.look()
    assert group.rejoins == 1


@pytest.mark.parametrize(
    "change", [{"code": 15}, {"state": "PreparingRebalance"}, {"partitions": 0}, {"partitions": 1}]
)
async def test_what_says_nothing_of_owners(change):
    """A coordinator that does not know, a rebalance under way, a broker that has not heard of the partitions yet."""
    group = Group(2, given(0))
    vars(group).update(change)
    assert await rejoins(group, 4) == 0


async def test_a_group_without_a_coordinator():
    group = Group(3, given(0))
    group._coordinator.coordinator_id = None
    assert await rejoins(group, 4) == 0
    assert group.asked == 0


@pytest.mark.parametrize(
    ("error", "told"), [(KafkaConnectionError(), []), (TimeoutError(), []), (KeyError("x"), ["KeyError"])]
)
async def test_looks_that_fail(error, told, monkeypatch):
    """They are made again all the same."""
    monkeypatch.setattr(added, "LOOK_EVERY", 0.001)
    group = Group(2, given(0))
    group.fails = error
    with capture_logs() as lines:
        async with added_of(group).looked_after(), asyncio.timeout(PATIENCE):
            while group.asked < 3:
                await asyncio.sleep(0.001)
            group.fails = Exception
            while not group.rejoins:
                await asyncio.sleep(0.001)
    failed = [line["error"] for line in lines if line["event"] == "partitions.look_failed"]
    assert failed[:1] == told


def test_a_count_that_changes():
    """Told when the group has given out its partitions, but not at the first time."""
    group = Group(2)
    found = added_of(group)
    with capture_logs() as lines:
        for partitions in (2, 2, 4):
            group.partitions = partitions
            found.count()
    assert lines == [{"event": "partitions.changed", "log_level": "warning", "topic": "t", "before": 2, "now": 4}]
    assert found.known == 4
