"""How many records wait for a group: behind what it has stored, and from where it begins what it never read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from aiokafka.structs import OffsetAndMetadata

from worker.intake.beginnings import Bearings, Begins, Expired, GoesOn, Lost, Start, place
from worker.kafka import admin
from worker.kafka.begun import began_with
from worker.kafka.connection import Connection
from worker.kafka.extent import Extent, extent
from worker.kafka.group import Group


@dataclass(frozen=True, slots=True)
class Backlog:
    """Records at most, ends of transactions counting as such; `lost` are sentences on places that are not there.

    `begins` of all `partitions` are begun where the start says, with `beginning` records from there on; `waiting` are
    those of the others, which the group goes on with, or which were added since and begin at their beginning.
    """

    partitions: int
    begins: int = 0
    beginning: int = 0
    waiting: int = 0
    lost: tuple[str, ...] = ()


async def backlog(connection: Connection, group: str, topic: str, start: Start) -> Backlog | None:
    """As it is now, the journal left aside; None where there is no such topic. KafkaUnavailable, StartupError."""
    async with admin.opened(connection) as client:
        found = (await client.cluster([topic])).topics.get(topic)
        stored = await Group(client, group).stored(topic)
    if found is None:
        return None
    async with extent(connection, topic, range(found.partitions)) as whole:
        return counted(topic, whole, stored, start, await whole.starts(start))


def counted(
    topic: str, whole: Extent, stored: Mapping[int, OffsetAndMetadata], start: Start, starts: Mapping[int, int]
) -> Backlog:
    """Each partition by the rule by which the worker begins it."""
    told, begun = Backlog(len(whole.ends)), began_with(stored.values())
    for (_, number), (first, end) in whole.ends.items():
        own = stored.get(number)
        match place(Bearings(topic, number, own.offset if own else None, first, end, begun), 0, start):
            case GoesOn(at):
                told = replace(told, waiting=told.waiting + end - at)
            case Expired(_, first):
                told = replace(told, waiting=told.waiting + end - first)
            case Begins(at, end) if at == start:
                told = replace(told, begins=told.begins + 1, beginning=told.beginning + max(0, end - starts[number]))
            case Begins(_, end):
                told = replace(told, waiting=told.waiting + end - first)
            case Lost(why):
                told = replace(told, lost=(*told.lost, why))
            case other:
                assert_never(other)
    return told
