"""`offsets set`: a person says where the group goes on in one partition, and sees first what that would mean."""

from dataclasses import asdict, dataclass
from typing import Literal

from worker import wiring
from worker.counting import counted
from worker.journal.entries import NOBODYS, read_key
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import extent, unmoved
from worker.kafka.group import Group
from worker.kafka.places import bounds
from worker.kafka.reader import UNCOMMITTED
from worker.model.errors import StartupError
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.reading.offset_set import OffsetSet, Run
from worker.tools.reading.progress import offsets_bar


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, in milliseconds since the epoch; as a place it means the first record of that time or later."""

    milliseconds: int


Where = Literal["earliest", "latest"] | int | Moment
"""A place in a log: one of its ends, an offset, or a time."""


class OutsideOfLog(Exception):
    """There is no such offset; the text says which offsets there are."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The consequences if the group goes on at `offset`: it reads `read_again` records again; the journal has `known`.

    `stored` is where the group would go on otherwise; `first` and `end` are the log's. Where the group has stored
    nothing that the log holds, all records from `offset` on count as read before. `left_out` are the records before it
    that nobody has read, as far as that is known, and that the journal does not know. `others` is where the group
    begins in the other partitions, if it has stored nothing in any.
    """

    topic: str
    partition: int
    stored: int | None
    first: int
    end: int
    offset: int
    read_again: int
    known: int
    left_out: int
    others: str | None

    def text(self) -> str:
        """The consequences in words for a person."""
        stored = "no offset" if self.stored is None else f"offset {self.stored}"
        held = f"offsets {self.first} to {self.end - 1}" if self.first < self.end else "nothing"
        lines = [
            f"{self.topic}/{self.partition}: {stored} is stored, the log holds {held}",
            f"from offset {self.offset} on {counted(self.read_again, 'record')} would be read again: the journal knows "
            f"{self.known} of them, which are not sent again, and nothing of {self.read_again - self.known}",
        ]
        if self.left_out:
            left_out = counted(self.left_out, "record")
            lines.append(f"{left_out} before it, of which the journal knows nothing, would be left out")
        if self.others is not None:
            lines.append(
                "nothing is stored of any partition: the others, unless the journal knows records of theirs, begin at "
                f"{self.others} (WORKER_KAFKA__START)"
            )
        return "\n".join(lines)


async def set_offset(settings: Settings, partition: int, where: Where, *, yes: bool, as_json: bool) -> int:
    """Print the consequences of the offset, and store it with `yes`; return 2 for an offset that is not there.

    StartupError while the group has members and `yes` is given.
    """
    plan, connection = wiring.plan(settings), wiring.connection(settings)
    async with admin.opened(connection) as client:
        topic = (await client.cluster([plan.requests])).topics.get(plan.requests)
        if topic is None or partition >= topic.partitions:
            raise StartupError(f"topic {plan.requests} (WORKER_TOPICS__REQUESTS) has no partition {partition}")
        group = Group(client, settings.kafka.group_id)
        members = await group.members()
        if yes and members:
            raise StartupError(
                f"group {group.name} has {counted(members, 'member')}: stop all workers first; nothing is stored"
            )
        all_stored = await group.stored(plan.requests)
        stored = all_stored.get(partition)
        others = settings.kafka.start if not all_stored and topic.partitions > 1 else None
        try:
            meant = await _meant(settings, partition, where, stored.offset if stored else None, others)
        except OutsideOfLog as error:
            say(str(error), err=True)
            return 2
        if yes:
            await group.store(plan.requests, partition, meant.offset, topic.partitions)
    _tell(meant, group.name, members, yes=yes, as_json=as_json)
    return 0


async def _meant(settings: Settings, partition: int, where: Where, stored: int | None, others: str | None) -> Meant:
    connection, topic = wiring.connection(settings), wiring.plan(settings).requests
    first, end = (await bounds(connection, topic, [partition], isolation=UNCOMMITTED))[partition]
    offset = await _offset(connection, topic, partition, where, (first, end))
    # Where the log does not hold that offset, nobody knows what was read.
    since, until = (stored, stored) if stored is not None and first <= stored <= end else (first, end)
    known = await unmoved(lambda: _known(settings, partition, (first, end)))
    read_again, again = await unmoved(lambda: _count(connection, topic, partition, (offset, until), known))
    before, ended = await unmoved(lambda: _count(connection, topic, partition, (since, offset), known))
    return Meant(topic, partition, stored, first, end, offset, read_again, again, before - ended, others)


async def _offset(connection: Connection, topic: str, partition: int, where: Where, log: Run) -> int:
    """The offset of that place: an end of the log, an offset of it, or the first record of a time. OutsideOfLog."""
    first, end = log
    if isinstance(where, int):
        if not first <= where <= end:
            raise OutsideOfLog(f"offset {where}: the log begins at {first}, and its next offset is {end}")
        return where
    async with extent(connection, topic, [partition]) as requests:
        ((_, stable),) = requests.ends.values()
        if isinstance(where, Moment):
            return (await requests.at(where.milliseconds))[partition]
        return first if where == "earliest" else stable


async def _known(settings: Settings, partition: int, log: Run) -> OffsetSet:
    """The records that the journal knows: that they were begun, or how they ended."""
    known = OffsetSet(*log)
    if settings.journal.enabled:
        connection, journal = wiring.connection(settings), settings.topics.journal
        async with extent(connection, journal, [partition], isolation=UNCOMMITTED) as entries:
            with offsets_bar("journal", entries.size) as advance:
                async for offsets, passed in entries.read_as(lambda record: _record_of(record.key)):
                    for offset in offsets:
                        known.add(-1 if offset is None else offset)
                    advance(passed)
    return known


def _record_of(key: bytes | None) -> int | None:
    """The offset of the record that an entry is about; None for claims, notices and foreign records."""
    try:
        event, offset, _ = read_key(key or b"")
    except ValueError:
        return None
    return None if event == NOBODYS.int else offset


async def _count(connection: Connection, topic: str, partition: int, span: Run, known: OffsetSet) -> tuple[int, int]:
    """How many records there are in the span, and how many of them are known."""
    count = again = 0
    async with extent(connection, topic, [partition]) as requests:
        read = requests.narrowed({partition: span})
        with offsets_bar("requests", max(0, read.size)) as advance:
            async for offsets, passed in read.read_as(lambda record: record.offset):
                count += len(offsets)
                again += sum(offset in known for offset in offsets)
                advance(passed)
    return count, again


def _tell(meant: Meant, group: str, members: int, *, yes: bool, as_json: bool) -> None:
    if as_json:
        say(document(asdict(meant) | {"dryRun": not yes}))
        return
    say(meant.text())
    if yes:
        say(f"stored: group {group} goes on at offset {meant.offset}")
    else:
        also = f"; group {group} has {counted(members, 'member')}: stop all workers first" if members else ""
        say(f"a dry run: --yes stores it{also}")
