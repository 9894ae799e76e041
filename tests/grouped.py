"""Reads a topic of two partitions as a member of a group, by the worker's own consumer."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from patience import PATIENCE

from worker.kafka.connection import Connection
from worker.kafka.membership import Membership
from worker.kafka.source import RecordSource, record_source
from worker.model.records import Record


class Given:
    """Remembers which partitions the group has assigned."""

    def __init__(self) -> None:
        self.partitions: set[int] = set()
        self.changed = asyncio.Event()

    def assigned(self, partitions: Collection[int]) -> None:
        self.partitions |= set(partitions)
        self.changed.set()

    async def revoked(self, partitions: Collection[int]) -> None:
        self.partitions -= set(partitions)


@asynccontextmanager
async def member(
    connection: Connection, topic: str, given: Given | None = None, group: str = "g", name: str | None = None
) -> AsyncIterator[tuple[RecordSource, Given]]:
    """A member that begins where the group left off, else at the beginning; with a `name` it is a static member."""
    given = given or Given()
    membership = Membership(topic, f"{topic}-{group}", session_timeout=10, rebalance_timeout=10, group_instance_id=name)
    async with record_source(connection, membership, given) as source:
        async with asyncio.timeout(PATIENCE):
            await given.changed.wait()
        for number in given.partitions:
            found = await source.bearings(number, 10)
            source.seek(number, found.first if found.stored is None else found.stored)
        yield source, given


async def read(source: RecordSource, count: int, partitions: Collection[int] = (0, 1)) -> list[Record]:
    """Read until there are at least that many records."""
    records: list[Record] = []
    async with asyncio.timeout(PATIENCE):
        while len(records) < count:
            records += await source.poll(partitions, within=0.1, at_most=100)
    return records
