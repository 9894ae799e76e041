"""The four topics as the audit reads them: each up to its present end, with clients that stay open."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self, TypeVar

from worker.kafka.admin import Admin
from worker.kafka.connection import Connection
from worker.kafka.extent import Extent, extent
from worker.kafka.picked import picked
from worker.kafka.reader import COMMITTED, UNCOMMITTED
from worker.model.records import Record
from worker.tools.reading.place import Place
from worker.topics import Plan

Form = TypeVar("Form")


@dataclass(slots=True)
class Growing:
    """Topics that grow; `now` has their extents by topic, as of the last `look`."""

    admin: Admin
    connection: Connection
    plan: Plan
    group: str
    now: dict[str, Extent]
    committed: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def opened(cls, admin: Admin, connection: Connection, plan: Plan, group: str) -> AsyncIterator[Self]:
        """Open the topics, which must exist. Raises KafkaUnavailable."""
        async with AsyncExitStack() as stack:
            now = {}
            for name in (plan.requests, *ends(plan)):
                isolation = COMMITTED if name == plan.requests else UNCOMMITTED
                now[name] = await stack.enter_async_context(extent(connection, name, (), isolation=isolation))
            yield cls(admin, connection, plan, group, now)

    async def look(self) -> None:
        """Ask for the group's offsets, then for the topics' ends.

        So the ends of all committed records are within these.
        """
        self.committed = await self.admin.committed(self.group, self.plan.requests)
        cluster = await self.admin.cluster(list(self.now))
        for name, extent_ in self.now.items():
            if name in cluster.topics:
                self.now[name] = await extent_.anew(name, range(cluster.topics[name].partitions))

    def spans(self, topic: str) -> dict[int, tuple[int, int]]:
        """The (first, end) offsets by partition."""
        return {place.partition: span for place, span in self.now[topic].ends.items()}

    async def picked(self, topic: str, places: Collection[Place], form: Callable[[Record], Form]) -> list[Form]:
        """What `form` makes of the records at these places, as far as they exist. Raises KafkaUnavailable."""
        offsets: dict[int, set[int]] = {}
        for place in places:
            if place.partition in self.spans(topic):
                offsets.setdefault(place.partition, set()).add(place.offset)
        return await picked(self.connection, topic, offsets, form, isolation=UNCOMMITTED) if offsets else []


def ends(plan: Plan) -> tuple[str, str, str]:
    """The topics that tell how requests ended, in the order of reading: dead letters before events that name them."""
    return plan.succeeded, plan.dead_letters, plan.failed
