"""aiokafka's task that keeps a member in its group dies; the worker starts it again (on a real Kafka)."""

import asyncio
from typing import Any

from grouped import Given, member
from patience import PATIENCE
from structlog.testing import capture_logs

from worker.kafka.source import RecordSource
from worker.model.errors import KafkaUnavailable


async def revived(source, given):
    """Poll until partitions are assigned again; returns the errors that were logged."""
    given.changed.clear()
    with capture_logs() as lines:
        async with asyncio.timeout(PATIENCE):
            while not given.changed.is_set():
                try:
                    await source.poll([0, 1], within=0.1, at_most=10)
                except KafkaUnavailable:
                    await asyncio.sleep(0.05)
    return [each["error"] for each in lines if each["event"] == "membership.revived"]


def coordination(source: RecordSource) -> Any:
    """aiokafka's own object, which has no type."""
    return source._consumer._coordinator


class Remembering(Given):
    """Remembers also which partitions were taken, in order."""

    def __init__(self):
        super().__init__()
        self.taken = []

    async def revoked(self, partitions):
        self.taken.append(sorted(partitions))
        await super().revoked(partitions)


async def test_a_membership_that_was_cancelled(connection, topic):
    """The task is cancelled: the partitions are taken and assigned again, and a new member gets its share."""
    given = Remembering()
    async with member(connection, topic, given) as (source, _):
        given.taken.clear()
        coordination(source)._coordination_task.cancel()
        assert await revived(source, given) == [None]
        assert (given.taken, given.partitions) == ([[0, 1]], {0, 1})
        async with member(connection, topic) as (_, others):
            assert (len(given.partitions), len(others.partitions)) == (1, 1)


async def test_a_membership_that_died_by_an_error(connection, topic, monkeypatch):
    """The task fails while it joins: the partitions are assigned again."""
    async with member(connection, topic) as (source, given):
        coordinator, left = coordination(source), [1]

        async def rejoin(subscription, again=coordinator._do_rejoin_group):
            if left[0]:
                left[0] -= 1
                raise MemoryError
            return await again(subscription)

        monkeypatch.setattr(coordinator, "_do_rejoin_group", rejoin)
        coordinator.request_rejoin()
        assert await revived(source, given) == ["MemoryError"]
        assert given.partitions == {0, 1}
