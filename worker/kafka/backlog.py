"""How many records wait for a group: after its stored offsets, and from its start in partitions it never read."""

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
    """Counts of records, at most: markers of transactions count, too. `lost` are sentences on offsets that are gone.

    `begins` of all `partitions` are begun where the start setting says, with `beginning` records from there on.
    `waiting` are the records of the other partitions: the group goes on with those, or they were added since and begin
    at their beginning.
    """

    partitions: int
    begins: int = 0
    beginning: int = 0
    waiting: int = 0
    lost: tuple[str, ...] = ()


async def backlog(connection: Connection, group: str, topic: str, start: Start) -> Backlog | None:
    """The backlog as it is now, without a look at the journal; None where there is no such topic.

    Raises KafkaUnavailable and StartupError.
    """
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
    """Count each partition by the rule by which the worker begins it."""
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
