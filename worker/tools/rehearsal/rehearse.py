"""`rehearse`: reads a stretch of the request topic and says what would happen; without a group, a call or a write."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from worker import wiring
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import extent, unmoved
from worker.kafka.stretch import Stretch, open_transactions
from worker.model.commands import Command
from worker.model.errors import StartupError
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.terminal.screen import PlainConsole
from worker.terminal.text import document, say
from worker.tools.reading.progress import Advance, offsets_bar
from worker.tools.rehearsal.capacity import Pace
from worker.tools.rehearsal.choice import Asked, Part, chosen
from worker.tools.rehearsal.keys import Keys
from worker.tools.rehearsal.rehearsed import Beginning, Kept, Opened, Rehearsed
from worker.tools.rehearsal.remarks import remarks
from worker.tools.rehearsal.repeats import Repeats
from worker.tools.rehearsal.report import as_document
from worker.tools.rehearsal.show import show
from worker.tools.rehearsal.tally import Tally
from worker.topics import Topic

Decode = Callable[[Record], Awaitable[Command]]

ROOM = 1_500_000
"""So many keys, and as many events, are told apart: 59 bytes for one of each."""
WIDTH = 160
"""Columns of output that is not a terminal."""


async def rehearse(
    settings: Settings, asked: Asked, decoding: AbstractAsyncContextManager[Decode], *, as_json: bool
) -> int:
    """Rehearse and print; 1 where more records would fail than tolerated. `decoding` is the worker's way to decode."""
    async with decoding as decode:
        found = await rehearsed(settings, asked, decode)
    told = list(remarks(found))
    if as_json:
        say(document(as_document(found, told)))
    else:
        console = PlainConsole()
        show(found, told, console if console.is_terminal else PlainConsole(width=WIDTH))
    return int(not found.holds)


async def rehearsed(settings: Settings, asked: Asked, decode: Decode) -> Rehearsed:
    """The result of a rehearsal. Raises KafkaUnavailable and StartupError."""
    plan, connection = wiring.plan(settings), wiring.connection(settings)
    async with admin.opened(connection) as client:
        topic = (await client.cluster([plan.requests])).topics.get(plan.requests)
    if topic is None:
        raise StartupError(f"topic {plan.requests} (WORKER_TOPICS__REQUESTS) does not exist")
    if asked.partition is not None and asked.partition >= topic.partitions:
        raise StartupError(f"topic {plan.requests} (WORKER_TOPICS__REQUESTS) has no partition {asked.partition}")
    return await unmoved(partial(_read, settings, connection, topic, asked, decode))


async def _read(settings: Settings, connection: Connection, topic: Topic, asked: Asked, decode: Decode) -> Rehearsed:
    numbers = range(topic.partitions) if asked.partition is None else [asked.partition]
    async with extent(connection, topic.name, numbers) as whole:
        some, parts = await chosen(whole, asked)
        starts = await whole.starts(wiring.start(settings))
        most = sum(part.most for part in parts)
        tally = _tally(settings, starts, min(most, ROOM), mapped=asked.mapped)
        with offsets_bar("reading", most) as advance:
            passed = await read(Stretch(some), parts, decode, tally, advance)
        opened = await open_transactions(whole)
    ends = {place.partition: end for place, (_, end) in whole.ends.items()}
    return Rehearsed(
        topic.name,
        parts,
        passed,
        tally,
        beginning(settings.kafka.start, starts, ends, parts, tally.begun if passed == some.size else None),
        [Opened(number, *told) for number, told in sorted(opened.items())],
        _kept(settings, topic),
        _pace(settings, asked),
        asked.tolerate,
        live_catalog=asked.live_catalog,
    )


async def read(stretch: Stretch, parts: Sequence[Part], decode: Decode, tally: Tally, advance: Advance) -> int:
    """Read these parts as far as asked for; return how many offsets were read."""
    passed = 0
    for part in [each for each in parts if each.most]:
        left = part.most
        async for piece in stretch.read(part.partition):
            for record in piece.records[:left]:
                tally.record(record, await decode(record))
            tally.between(piece)
            reached = piece.records[left].offset if left < len(piece.records) else piece.next_offset
            left -= len(piece.records)
            more = min(reached, part.end) - piece.first
            advance(more)
            passed += more
            if left <= 0:
                break
    return passed


def _tally(settings: Settings, starts: Mapping[int, int], room: int, *, mapped: bool) -> Tally:
    return Tally(Keys(room), Repeats(room, settings.journal.max_entries), starts, mapped=mapped)


def beginning(
    setting: str, starts: Mapping[int, int], ends: Mapping[int, int], parts: Sequence[Part], begun: int | None
) -> Beginning:
    """Where a first start would begin; `begun` records were read from there on, all of them if all was read."""
    offsets = sum(max(0, end - starts[number]) for number, end in ends.items())
    read = all(part.first <= starts[part.partition] and part.end >= ends[part.partition] for part in parts)
    return Beginning(setting, offsets, begun if read else None)


def _kept(settings: Settings, topic: Topic) -> Kept:
    journal, retention = settings.journal, topic.number("retention.ms", -1)
    policies = (topic.config or {}).get("cleanup.policy", "delete").split(",")
    return Kept(
        journal.window,
        journal.max_entries,
        journal.enabled,
        retention / 1000 if retention >= 0 and "delete" in policies else None,
        known=topic.config is not None,
        compacted="compact" in policies,
    )


def _pace(settings: Settings, asked: Asked) -> Pace:
    """The pace of calls; with look-ups by e-mail each customer is searched before it is sent."""
    calls = 2 if settings.reconcile.by == "email" else 1
    return Pace(asked.latency * calls, asked.in_flight, settings.dispatch.max_rate)
