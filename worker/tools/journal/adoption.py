"""`journal adopt`: takes the journal over from a group that was renamed on purpose, while no worker runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from worker import wiring
from worker.journal.entries import (
    NOBODYS,
    Claim,
    Owner,
    decode_claim,
    decode_key,
    decode_notice,
    encode,
    encode_headers,
    is_claim,
)
from worker.journal.journal import holder_after
from worker.kafka import brokers, bulk
from worker.kafka.connection import Connection
from worker.kafka.extent import extent, unmoved
from worker.model.errors import StartupError
from worker.model.records import OutgoingMessage, Record
from worker.settings.settings import Settings
from worker.terminal.text import say
from worker.tools.journal.view import unreadable


@dataclass(frozen=True, slots=True)
class Part:
    """A partition of the journal, who holds it, and whether we take it over."""

    name: str
    holder: Owner | None
    adopted: bool

    def line(self, ours: Owner, *, done: bool) -> str:
        """What was done with it, or would be, in words."""
        if not self.adopted:
            return f"{self.name}: {self.holder or 'nobody has claimed it'}; nothing to do"
        return f"{self.name}: {self.holder}; {'now' if done else 'would be'} of {ours}"


async def adopt(settings: Settings, group: str, *, yes: bool) -> int:
    """Print one line a partition; write only with `yes`. 1 where no partition is that group's.

    Raises StartupError while a worker of either group is at work: it would go on under its claim.
    """
    connection, ours, topic = wiring.connection(settings), wiring.owner(settings), settings.topics.journal
    async with brokers.opened(connection) as kafka:
        await _nobody_at_work(kafka, {group, ours.group})
        found = (await kafka.cluster([topic])).topics.get(topic)
    if found is None:
        raise StartupError(f"topic {topic} (WORKER_TOPICS__JOURNAL) does not exist")
    holders = [await unmoved(partial(_holder, connection, topic, number)) for number in range(found.partitions)]
    adopted = [number for number, holder in enumerate(holders) if holder and holder.group == group and holder != ours]
    if yes:
        await _take_over(connection, topic, adopted, ours, group)
    for number, holder in enumerate(holders):
        say(Part(f"{topic}/{number}", holder, number in adopted).line(ours, done=yes))
    if adopted and not yes:
        say("nothing was written: --yes does it", err=True)
    return int(not adopted)


async def _nobody_at_work(kafka: brokers.Brokers, groups: Iterable[str]) -> None:
    for group in sorted(groups):
        members, _ = await kafka.group(group)
        if members:
            raise StartupError(f"group {group} has {members} at work: stop them first")


async def _holder(connection: Connection, topic: str, number: int) -> Owner | None:
    holder = None
    async with extent(connection, topic, [number]) as entries:
        async for records, _ in entries.read():
            for record in records:
                holder = _after(holder, record)
    return holder


def _after(holder: Owner | None, record: Record) -> Owner | None:
    """Who holds the partition after this record, given who held it before."""
    if record.value is None:
        return holder
    key = record.key or b""
    try:
        if is_claim(key):
            claim = decode_claim(key, record.value, record.headers)
            return holder_after(holder, claim.owner, claim.adopted_from)
        known = decode_key(key)
        if known.event == NOBODYS:
            return holder_after(holder, decode_notice(known.writer, record.headers).owner)
    except ValueError:
        raise unreadable(record) from None
    return holder


async def _take_over(connection: Connection, topic: str, numbers: Iterable[int], ours: Owner, group: str) -> None:
    """Write a claim of ours that names the group it is taken from.

    Another group's partition is given up by no other.
    """
    async with bulk.opened(connection) as publisher:
        for number in numbers:
            claim = Claim(uuid4().hex[:12], group=ours.group, topic=ours.topic, adopted_from=group)
            message = OutgoingMessage(topic, claim.key, encode(claim), encode_headers(claim), number)
            await publisher.hand_over(message)
        await publisher.flush()
