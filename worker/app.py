"""A running worker: everything is opened in the order it depends on, and closed in the reverse."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from worker import __version__, wiring
from worker.creation.api_limit import ApiLimit
from worker.creation.creation import Creation
from worker.creation.holds import LOGIN, HoldReason, Holds
from worker.creation.probing import looked_after
from worker.customer import Configured
from worker.customer.live_catalog import LiveCatalog
from worker.customer_api import CustomerApi
from worker.intake.dispatch import Dispatch
from worker.intake.intake import Intake
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.publisher import opened_publisher
from worker.kafka.source import record_source
from worker.logs import where
from worker.measures import Measures
from worker.model.errors import Draining, KafkaUnavailable
from worker.ops.port import operations
from worker.ops.state import Identity
from worker.ops.tracing import traced
from worker.ops.watch import Consumption, Watch
from worker.pipeline import NoRegistry, Pipeline
from worker.settings.settings import Settings
from worker.steps import Trails
from worker.topics import LARGEST, MIB, Cluster, verify

log = structlog.get_logger()
KAFKA_AGAIN_AFTER = 2.0
Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True)
class Outage:
    """A producer's part of the hold `kafka_unavailable`, or that of the login."""

    holds: Holds
    holder: str

    def begin(self, detail: str) -> None:
        self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, detail, self.holder)

    def end(self) -> None:
        self.holds.end(HoldReason.KAFKA_UNAVAILABLE, self.holder)


@dataclass(frozen=True, slots=True)
class Observed:
    """Where the steps report to, and who tells it."""

    measures: Measures
    trails: Trails
    watch: Watch


async def run(settings: Settings, reread: Callable[[], Settings] | None = None) -> int:
    """Run until told to stop: 0 after a clean drain, 1 when something was left in flight.

    `reread` gives the settings as they are now, for a password that is changed while the worker runs.
    """
    asyncio.get_running_loop().set_exception_handler(_unforeseen)
    stopping = asyncio.Event()
    holds, measures = Holds(wiring.breaker(settings)), Measures()
    with_signals(stopping)
    log.info("worker.started", version=__version__)
    try:
        async with AsyncExitStack() as stack:
            api = wiring.api(settings, reread, measures)
            ops, identity = settings.ops, Identity(settings.kafka.group_id)
            shown = await stack.enter_async_context(operations(holds, measures, ops.host, ops.port, identity))
            observed = Observed(measures, Trails(await stack.enter_async_context(traced())), shown.watch)
            drained = await _work(settings, api_client=api, observed=observed, stopping=stopping, stack=stack)
    except Draining:
        drained = True
    log.info("worker.stopped", drained=drained)
    return 0 if drained else 1


def _unforeseen(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error in a task that nobody waits for; its text may quote personal data, so that only its place is told.

    Without an error it is a remark of a library's, such as a connection that it left to the garbage collector; so is
    how a call of aiokafka's ended that we had stopped waiting for.
    """
    error = context.get("exception")
    if error is None:
        log.warning("loop.remarked", detail=str(context["message"]))
    elif type(error).__module__.startswith("aiokafka"):
        log.warning("loop.remarked", detail=type(error).__name__)
    else:
        log.error("task.crashed", error=type(error).__name__, where=where(error))


async def _work(
    settings: Settings,
    api_client: AbstractAsyncContextManager[CustomerApi],
    observed: Observed,
    stopping: asyncio.Event,
    stack: AsyncExitStack,
) -> bool:
    """What is entered first is closed last: leave the group, then close the producers, then log out."""
    watch, measures, holds = observed.watch, observed.measures, observed.watch.holds
    connection, mapping = wiring.connection(settings), wiring.mapping(settings)
    if connection.tokens:
        connection.tokens.outage = Outage(holds, LOGIN)
    api = watch.api = await stack.enter_async_context(api_client)
    catalog = await stack.enter_async_context(_catalog(settings, api))
    schemas = await stack.enter_async_context(wiring.schemas(settings, holds))

    async def kafka(make: Callable[[], AbstractAsyncContextManager[Opened]]) -> Opened:
        return await once_there(lambda: stack.enter_async_context(make()), holds, stopping)

    cluster = await kafka(lambda: _verified(connection, settings))
    results = await kafka(lambda: opened_publisher(connection, Outage(holds, "results"), max_request_size=LARGEST))
    journal = await kafka(lambda: opened_publisher(connection, Outage(holds, "journal"), max_request_size=MIB))
    slots = wiring.slots(settings)
    creation = _creation(settings, api, holds, wiring.api_limit(settings, slots), measures)
    await stack.enter_async_context(looked_after(holds, api))
    decoder, messages = wiring.decoder(settings, catalog, mapping, schemas), wiring.results(settings)
    measures.passing(decoder.passing)
    pipeline = Pipeline(
        decode=decoder,
        creation=creation,
        results=messages,
        publish=results.publish,
        schemas=schemas or NoRegistry(),
        trails=observed.trails,
        measures=measures,
    )
    dispatch = Dispatch(
        pipeline.process,
        slots,
        max_uncommitted=settings.dispatch.max_uncommitted,
        measures=measures,
        shares=creation.pace,
    )
    restore = wiring.restore(settings, cluster, connection, journal, slots)
    intake = Intake(
        dispatch=dispatch,
        restore=restore,
        holds=holds,
        drain_timeout=settings.dispatch.drain_timeout,
        measures=measures,
        start=wiring.start(settings),
    )
    source = await kafka(lambda: record_source(connection, wiring.membership(settings), intake))
    creation.pace.counted_by(lambda: source.partitions)
    watch.consumption = Consumption(
        topic=settings.topics.requests,
        dispatch=dispatch,
        intake=intake,
        standings=source.standings,
        pace=creation.pace,
        trails=observed.trails,
        limit=creation.limit,
        dropped=lambda: decoder.dropped_elements,
    )
    return await intake.run(source, stopping)


def _creation(settings: Settings, api: CustomerApi, holds: Holds, limit: ApiLimit, measures: Measures) -> Creation:
    return Creation(
        customers=api,
        reconciliation=wiring.reconciliation(settings, holds, api),
        retry=wiring.retry(settings),
        holds=holds,
        pace=wiring.pace(settings),
        flood=wiring.flood(settings),
        limit=limit,
        measures=measures,
    )


@asynccontextmanager
async def _catalog(settings: Settings, api: CustomerApi) -> AsyncIterator[Configured | None]:
    """The configured values: of a file, of the API and kept fresh in the background, or none."""
    if settings.customer.catalog != "live":
        yield wiring.catalog(settings)
        return
    catalog = LiveCatalog(api)
    task = asyncio.create_task(catalog.keep_fresh(settings.customer.catalog_refresh), name="catalog")
    try:
        yield catalog
    finally:
        task.cancel()


@asynccontextmanager
async def _verified(connection: Connection, settings: Settings) -> AsyncIterator[Cluster]:
    """The topics as they must be; StartupError says what is not."""
    async with admin.opened(connection) as client:
        cluster = await verify(client, wiring.plan(settings))
    yield cluster


async def once_there(opening: Callable[[], Awaitable[Opened]], holds: Holds, stopping: asyncio.Event) -> Opened:
    """Open it, however long Kafka is away; Draining when told to stop meanwhile."""
    while not stopping.is_set():
        try:
            opened = await opening()
        except KafkaUnavailable as error:
            holds.begin(HoldReason.KAFKA_UNAVAILABLE, str(error), "start")
            await _either(stopping, KAFKA_AGAIN_AFTER)
        else:
            holds.end(HoldReason.KAFKA_UNAVAILABLE, "start")
            return opened
    raise Draining("told to stop before Kafka was there")


async def _either(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return


def with_signals(stopping: asyncio.Event) -> None:
    """The first SIGTERM or SIGINT drains, the second leaves at once (open intents stay, which is safe)."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def told(name: str) -> None:
        log.info("stop.requested", signal=name, forced=stopping.is_set())
        if stopping.is_set() and task:
            task.cancel()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number.name)
