"""Notices partitions that were added to a topic, and has the group assign them to a member."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DescribeGroupsRequest

from worker.background import background
from worker.kafka.asking import ask
from worker.kafka.assigned import STABLE, partitions_of
from worker.logs import where

log = structlog.get_logger()
# Seconds between two looks: three times as long as the group's leader needs to notice new partitions by itself.
LOOK_EVERY = 10.0
LOOK_WITHIN = 5.0


@dataclass(eq=False, slots=True)
class Added:
    """Watches for partitions of the topic that no member has; `known` is their number at the last rebalance, 0 before.

    By itself only the group's leader notices new partitions and asks for a rebalance. But a static member that restarts
    within its session leads the group without looking for them (docs: kafka, a leader that is begun again).
    """

    consumer: AIOKafkaConsumer
    topic: str
    known: int = 0
    _nobodys: frozenset[int] = frozenset()

    def count(self) -> None:
        """Count the partitions of the topic after a rebalance, and log when their number has changed."""
        now = len(self.consumer.partitions_for_topic(self.topic) or ())
        if self.known and now != self.known:
            log.warning("partitions.changed", topic=self.topic, before=self.known, now=now)
        self.known = now

    @asynccontextmanager
    async def looked_after(self) -> AsyncIterator[None]:
        """Look every LOOK_EVERY seconds, while the block runs, for partitions that no member has."""
        with background(self._look_after(), "added"):
            yield

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                with suppress(KafkaError, TimeoutError):
                    async with asyncio.timeout(LOOK_WITHIN):
                        await self.look()
            except Exception as error:  # noqa: BLE001  nobody else would look again
                log.error("partitions.look_failed", error=type(error).__name__, where=where(error))

    async def look(self) -> None:
        """Ask for a rebalance if no member had the same partitions at this look and the one before.

        Raises KafkaError.
        """
        coordinator: Any = self.consumer._coordinator  # noqa: SLF001  aiokafka has no other way to ask for one
        before, self._nobodys = self._nobodys, frozenset()
        nobodys = await self._left_out(coordinator)
        if nobodys and nobodys == before:
            log.warning("partitions.left_out", topic=self.topic, partitions=sorted(nobodys))
            coordinator.request_rejoin()
        else:
            self._nobodys = nobodys

    async def _left_out(self, coordinator: Any) -> frozenset[int]:  # noqa: ANN401  aiokafka's own, of which there are two
        """The partitions that no member has; empty while a rebalance is under way."""
        if coordinator.coordinator_id is None:
            return frozenset()
        answer = await ask(self.consumer, coordinator.coordinator_id, DescribeGroupsRequest([coordinator.group_id]))
        code, _, state, _, _, members, *_ = answer.groups[0]
        if code or state != STABLE:
            return frozenset()
        owned = {number for member in members for number in partitions_of(member[4], self.topic)}
        return frozenset(self.consumer.partitions_for_topic(self.topic) or ()) - owned
