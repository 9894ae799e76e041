"""How this process takes part in the consumer group, and who is told what the group gives and takes."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from aiokafka import ConsumerRebalanceListener, TopicPartition


@dataclass(frozen=True, slots=True)
class Membership:
    """How this process takes part in the group. Times are seconds."""

    topic: str
    group_id: str
    session_timeout: float
    rebalance_timeout: float
    group_instance_id: str | None = None


class Partitions(Protocol):
    """Told what the group gives and takes."""

    def assigned(self, partitions: Collection[int]) -> None: ...
    async def revoked(self, partitions: Collection[int]) -> None: ...


class Rebalanced(Protocol):
    """Whoever reads the topic as this member; its methods are told in `worker.kafka.source`."""

    def refresh(self) -> None: ...
    def forget(self, partitions: Collection[int]) -> None: ...
    def count(self) -> None: ...


class Listener(ConsumerRebalanceListener):
    """Tells `partitions` of each rebalance, and the source to look at its topic anew."""

    def __init__(self, partitions: Partitions, source: Rebalanced) -> None:
        self._partitions = partitions
        self._source = source

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        # The group's leader shares out the partitions that it knows of.
        self._source.refresh()
        numbers = [each.partition for each in revoked]
        self._source.forget(numbers)
        await self._partitions.revoked(numbers)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Returns at once: no heartbeat is sent while it runs (docs: kafka, assigned partitions)."""
        self._source.count()
        self._partitions.assigned([each.partition for each in assigned])
