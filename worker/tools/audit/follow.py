"""`verify --follow`: works in rounds until it is told to stop; findings become log lines and metrics."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from worker import clocks, wiring
from worker.app import with_signals
from worker.events.mapping import EventMapping
from worker.kafka import admin
from worker.kafka.group import Group
from worker.model.errors import KafkaUnavailable, StartupError, Unavailable, WorkerError
from worker.ops.audit import AuditPages, AuditState, audit_port
from worker.settings.settings import Settings
from worker.stopping import Stopping
from worker.tools.audit.begin import begun
from worker.tools.audit.found import CONTRADICTIONS, DUPLICATES, NOT_JUDGED, Found
from worker.tools.audit.judge import Judge
from worker.tools.audit.position import Positions
from worker.tools.audit.rounds import Rounds, age_of
from worker.tools.audit.topics import Growing
from worker.tools.verification.scan import Asked
from worker.tools.verification.verify import complete, passing
from worker.topics import Plan

log = structlog.get_logger()
PAUSE: Final = 1.0
AGAIN: Final = 5.0
STORE: Final = 10.0


@dataclass(slots=True)
class Audit:
    """Counts findings for `/metrics` and logs each; `stored` is the consumer group whose offsets keep the place."""

    plan: Plan
    group: str
    judge: Judge = field(init=False)
    positions: Positions = field(default_factory=Positions)
    counts: Counter[str] = field(default_factory=Counter)
    behind: dict[int, int] = field(default_factory=dict)
    rounds: int = 0

    def __post_init__(self) -> None:
        self.judge = Judge(self.tell)

    @property
    def stored(self) -> str:
        return f"{self.group}-audit"

    def tell(self, found: Found) -> None:
        """Count a finding, and log it."""
        self.counts[found.kind] += found.end - found.first
        log.error("audit.found", kind=found.kind, topic=self.plan.requests, place=found.place, other=found.other)

    def state(self) -> AuditState:
        """The state for the operations port."""
        read = {(topic, number): at for topic, parts in self.positions.next.items() for number, at in parts.items()}
        read |= {(self.plan.requests, number): at for number, at in self.judge.judged.items()}
        return AuditState(
            len(self.judge.unended),
            age_of(self.judge.unended.oldest()),
            {kind: self.counts[kind] for kind in CONTRADICTIONS},
            {kind: self.counts[kind] for kind in DUPLICATES},
            {kind: self.judge.not_judged[kind] for kind in NOT_JUDGED},
            read,
            dict(self.behind),
            self.rounds,
        )

    def looked(self, topics: Growing) -> None:
        """Note the end of a round, and how much is committed and not judged yet."""
        judged, self.rounds = self.judge.judged, self.rounds + 1
        self.behind = {number: max(0, at - judged.get(number, at)) for number, at in topics.committed.items()}


async def follow(settings: Settings, since: int | None, mapping: EventMapping | None = None) -> int:
    """Run until SIGTERM or SIGINT, then return 0. `since` (milliseconds) is where it begins, whatever was stored."""
    stopping = Stopping()
    with_signals(stopping)
    async with following(settings, since, mapping or wiring.mapping(settings)) as (working, _):
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            stop.cancel()
            await working
    log.info("audit.stopped")
    return 0


@asynccontextmanager
async def following(
    settings: Settings, since: int | None = None, mapping: EventMapping | None = None
) -> AsyncIterator[tuple[asyncio.Task[None], Audit]]:
    """Yield the running audit and its task. Raises StartupError where a topic is missing or the port is taken."""
    plan, connection = wiring.plan(settings), wiring.connection(settings)
    audit = Audit(plan, settings.kafka.group_id)
    async with AsyncExitStack() as stack:
        pages = await stack.enter_async_context(audit_port(audit.state, settings.ops.host, settings.ops.port))
        client = await stack.enter_async_context(admin.opened(connection))
        complete(plan, await client.cluster([name for _, name in plan.names()]), Asked())
        topics = await stack.enter_async_context(Growing.opened(client, connection, plan, audit.group))
        passes = await stack.enter_async_context(passing(settings, mapping))
        rounds = Rounds(topics, audit.judge, audit.positions, passes, pages.alive)
        group = Group(client, audit.stored)
        begin = partial(begun, rounds, group, since, wiring.start(settings))
        working = asyncio.create_task(_work(audit, rounds, pages, group, begin), name="audit")
        try:
            yield working, audit
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


async def _work(
    audit: Audit, rounds: Rounds, pages: AuditPages, group: Group, begin: Callable[[], Awaitable[None]]
) -> None:
    await _patiently(begin)
    log.info("audit.started", group=audit.group, since=rounds.since or None, partitions=len(audit.judge.judged))
    stored = clocks.monotonic()
    while True:
        # Once at work it waits for a right that is taken, too.
        await _patiently(rounds.whole, (Unavailable, StartupError))
        audit.looked(rounds.topics)
        pages.read()
        if clocks.monotonic() - stored >= STORE:
            stored = clocks.monotonic()
            await store(audit, group)
        await asyncio.sleep(PAUSE)


async def store(audit: Audit, group: Group) -> None:
    """Store where to go on after a restart. If that fails it is logged: a restart reads more again then."""
    positions = audit.positions.safe(audit.judge.judged)
    if positions is None:
        return
    # Where the group has stored nothing, nobody knows yet where it begins.
    judged = {number: offset for number, offset in audit.judge.judged.items() if number in audit.behind}
    offsets = {audit.plan.requests: judged, **positions}
    try:
        await group.store_all({topic: parts for topic, parts in offsets.items() if parts})
    except (KafkaUnavailable, StartupError) as error:
        log.warning("audit.unstored", group=group.name, detail=str(error))


async def _patiently(
    step: Callable[[], Awaitable[None]], transient: tuple[type[WorkerError], ...] = (Unavailable,)
) -> None:
    """Try the step again while Kafka or a schema registry is unavailable; what was read is not read again."""
    while True:
        try:
            await step()
        except transient as error:
            log.warning("audit.interrupted", detail=str(error))
            await asyncio.sleep(AGAIN)
        else:
            return
