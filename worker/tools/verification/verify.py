"""`verify`: reads all topics and reports whether every committed request ended as promised."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from worker import wiring
from worker.events.mapping import EventMapping
from worker.intake.beginnings import Start
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.extent import unmoved
from worker.model.commands import PassOver
from worker.model.errors import StartupError
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.reading.offset_set import Run
from worker.tools.reading.progress import Progress, offsets_bar
from worker.tools.verification.expired import expired, joined
from worker.tools.verification.ranges import NOTHING, Range
from worker.tools.verification.report import Report
from worker.tools.verification.scan import Asked, Scan, Topics, beginnings, ranged, spans
from worker.topics import Cluster, Plan

Passes = Callable[[Record], Awaitable[bool]]


async def verify(settings: Settings, asked: Asked, mapping: EventMapping | None = None, *, as_json: bool) -> int:
    """Verify and print; 0 where every committed request ended as promised, else 1.

    Without a `mapping` that of the settings is used.
    """
    report = await verified(settings, asked, mapping or wiring.mapping(settings))
    if as_json:
        say(document(report.as_dict()))
    else:
        for line in report.lines():
            say(line)
    return int(not report.holds)


async def verified(
    settings: Settings, asked: Asked, mapping: EventMapping | None = None, progress: Progress = offsets_bar
) -> Report:
    """The report. The group's offsets are read first: the ends of all committed requests were published before."""
    plan, connection = wiring.plan(settings), wiring.connection(settings)
    async with admin.opened(connection) as client:
        cluster = await client.cluster([name for _, name in plan.names()])
        complete(plan, cluster, asked)
        committed = await client.committed(settings.kafka.group_id, plan.requests)
    async with passing(settings, mapping) as passes:
        start = "earliest" if asked.begins else wiring.start(settings)
        return await unmoved(partial(_scanned, connection, plan, cluster, committed, asked, start, passes, progress))


@asynccontextmanager
async def passing(settings: Settings, mapping: EventMapping | None) -> AsyncIterator[Passes | None]:
    """Yield a function that says whether a record is passed over, or None where no rule does that.

    The worker's own decoder decides: what it reads without the mapping is never passed over.
    """
    if mapping is None or not mapping.passing:
        yield None
        return
    async with wiring.decoding(settings, None, mapping) as decode:

        async def passes(record: Record) -> bool:
            return isinstance(await decode(record), PassOver)

        yield passes


async def _scanned(  # noqa: PLR0913, PLR0917  what was looked up before the topics are read
    connection: Connection,
    plan: Plan,
    cluster: Cluster,
    committed: Mapping[int, int],
    asked: Asked,
    start: Start,
    passes: Passes | None,
    progress: Progress,
) -> Report:
    async with Topics.opened(connection, plan, cluster) as topics:
        wanted = await ranged(topics.requests, asked)
        parts, beyond = spans(topics.requests, committed, wanted)
        unread = await _unread(connection, plan, cluster, beyond, wanted)
        with progress("reading", topics.succeeded.size + topics.failed.size + topics.letters.size) as advance:
            begins = await beginnings(topics.requests, start)
            return await Scan(topics, parts, wanted, unread, begins, advance, passes).report()


async def _unread(
    connection: Connection, plan: Plan, cluster: Cluster, beyond: Mapping[int, Run], wanted: Range
) -> dict[int, list[Run]]:
    """What was deleted unread of the requests that are wanted, by partition.

    Before the group's present offset, and what the journal tells of earlier.
    """
    told: dict[int, list[Run]] = {}
    if plan.journal_enabled and plan.journal in cluster.topics:
        there = range(cluster.topics[plan.journal].partitions)
        told = await expired(connection, plan.journal, [each for each in there if wanted.of(each) != NOTHING])
    found = {number: joined(told.get(number, ()), [beyond.get(number, NOTHING)]) for number in {*told, *beyond}}
    return {number: list(wanted.within(number, runs)) for number, runs in found.items()}


def complete(plan: Plan, cluster: Cluster, asked: Asked) -> None:
    """Raise StartupError for a topic, or the partition asked for, that does not exist."""
    for setting, name in plan.names():
        if name not in cluster.topics and name != plan.journal:
            raise StartupError(f"topic {name} ({setting}) does not exist")
    if asked.partition is not None and asked.partition >= cluster.topics[plan.requests].partitions:
        raise StartupError(f"topic {plan.requests} (WORKER_TOPICS__REQUESTS) has no partition {asked.partition}")
