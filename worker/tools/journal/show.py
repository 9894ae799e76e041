"""`journal show` and `journal unknown`: print the journal as it is now, without disturbing anybody."""

import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from uuid import UUID

from worker import wiring
from worker.counting import counted
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import Extent, extent, unmoved
from worker.kafka.reader import UNCOMMITTED
from worker.model.errors import StartupError
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.journal.sieve import Doubtful, Latest, Sieve
from worker.tools.journal.view import Json, Partition, doubt_text, event_text, unreadable
from worker.tools.reading.progress import Progress, offsets_bar
from worker.topics import Plan


async def show(settings: Settings, event: UUID | None, partition: int | None, limit: int, *, as_json: bool) -> int:
    """Print an event wherever it is known, or a partition's `limit` latest events; 1 where there is nothing."""
    seen = 0
    async for found in partitions(settings, partition, event, (lambda: Latest(limit)) if event is None else None):
        for each in found.journal:
            seen += 1
            _print(found.event(each), event_text, as_json=as_json)
    if not seen:
        say("the journal knows nothing of it", err=True)
    return int(not seen)


async def unknown(settings: Settings, *, as_json: bool) -> int:
    """Print every open doubt, and how many there are; returns 0."""
    count, now = 0, int(time.time() * 1000)
    async for found in partitions(settings, sieve=Doubtful):
        for doubt in found.doubts(now):
            count += 1
            _print(doubt, doubt_text, as_json=as_json)
    say(counted(count, "open doubt"), err=as_json)
    return 0


async def partitions(
    settings: Settings,
    only: int | None = None,
    event: UUID | None = None,
    sieve: Callable[[], Sieve] | None = None,
    progress: Progress = offsets_bar,
) -> AsyncIterator[Partition]:
    """Yield each partition when it is read.

    What it knows of that event, entry by entry, or of events the sieve names.
    """
    plan, connection = wiring.plan(settings), wiring.connection(settings)
    async with admin.opened(connection) as client:
        topic = (await client.cluster([plan.journal])).topics.get(plan.journal)
    if topic is None:
        raise StartupError(f"topic {plan.journal} (WORKER_TOPICS__JOURNAL) does not exist")
    if only is not None and only >= topic.partitions:
        raise StartupError(f"topic {plan.journal} (WORKER_TOPICS__JOURNAL) has no partition {only}")
    for number in range(topic.partitions) if only is None else [only]:
        yield await unmoved(partial(_partition, connection, plan, number, event, sieve, progress))


async def _partition(  # noqa: PLR0913, PLR0917  what `partitions` was given
    connection: Connection,
    plan: Plan,
    number: int,
    event: UUID | None,
    sifted: Callable[[], Sieve] | None,
    progress: Progress,
) -> Partition:
    found, sieve = Partition(plan.requests, number, event), sifted and sifted()
    async with extent(connection, plan.journal, [number], isolation=UNCOMMITTED) as entries:
        with progress(f"partition {found.number}", entries.size * (2 if sieve else 1)) as advance:
            if sieve:
                await _read(entries, lambda record: _show(sieve, record), advance)
                found.among = frozenset(sieve.events)
            if found.among is None or found.among:
                await _read(entries, found.add, advance)
    return found


async def _read(entries: Extent, take: Callable[[Record], None], advance: Callable[[int], None]) -> None:
    async for records, passed in entries.read():
        for record in records:
            take(record)
        advance(passed)


def _show(sieve: Sieve, record: Record) -> None:
    try:
        sieve.show(record)
    except ValueError:
        raise unreadable(record) from None


def _print(told: Json, text: Callable[[Json], str], *, as_json: bool) -> None:
    say(document(told) if as_json else text(told))
