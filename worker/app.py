"""A running worker: everything is opened in the order it depends on, and closed in the reverse."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

import structlog

from worker import __version__, memory, wiring
from worker.creation.api_limit import ApiLimit
from worker.creation.creation import Creation
from worker.creation.holds import Holds
from worker.customer_api import CustomerApi, uncompiled
from worker.events.decode import Decoder
from worker.intake.dispatch import Dispatch
from worker.intake.intake import Intake
from worker.intake.restoring import Restore
from worker.kafka.source import record_source
from worker.measures import Measures
from worker.model.errors import Draining
from worker.ops.port import operations
from worker.ops.state import Identity
from worker.ops.tracing import traced
from worker.ops.watch import Consumption, Watch
from worker.outside import Outside, once_there, opened
from worker.partition.slots import Slots
from worker.pipeline import NoRegistry, Pipeline
from worker.settings.settings import Settings
from worker.steps import Trails
from worker.stopping import Stopping

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Observed:
    """Who observes the steps: counters and timings, trails of the records under way, and what shows both."""

    measures: Measures
    trails: Trails
    watch: Watch


async def run(settings: Settings, reread: Callable[[], Settings] | None = None) -> int:
    """Run until told to stop: 0 after a clean drain, 1 when something was left in flight.

    `reread` loads the settings anew, so that a password can be changed while the worker runs.
    """
    stopping = Stopping(settings.dispatch.drain_timeout)
    holds, measures = Holds(wiring.breaker(settings)), Measures()
    with_signals(stopping)
    log.info("worker.started", version=__version__)
    if slow := uncompiled():
        log.warning("http.uncompiled", detail=slow)
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(memory.kept_small())
            api = wiring.api(settings, reread, measures)
            ops, identity = settings.ops, Identity(settings.kafka.group_id)
            shown = await stack.enter_async_context(operations(holds, measures, ops.host, ops.port, identity))
            observed = Observed(measures, Trails(await stack.enter_async_context(traced())), shown.watch)
            drained = await _work(settings, api_client=api, observed=observed, stopping=stopping, stack=stack)
    except Draining:
        drained = True
    log.info("worker.stopped", drained=drained)
    return 0 if drained else 1


async def _work(
    settings: Settings,
    api_client: AbstractAsyncContextManager[CustomerApi],
    observed: Observed,
    stopping: Stopping,
    stack: AsyncExitStack,
) -> bool:
    """Open everything on `stack` and run until told to stop; return whether all that was in flight has ended.

    The stack closes in the reverse order: leave the group, then close the producers, then log out.
    """
    watch, holds = observed.watch, observed.watch.holds
    mapping = wiring.mapping(settings)
    outside = await opened(settings, api_client, watch, stopping, stack)
    slots = wiring.slots(settings)
    creation = _creation(settings, outside.api, holds, wiring.api_limit(settings, slots), observed.measures)
    decoder = wiring.decoder(settings, outside.catalog, mapping, outside.schemas)
    observed.measures.passing(decoder.passing)
    pipeline = _pipeline(settings, outside, decoder, creation, observed)
    dispatch = _dispatch(settings, pipeline, slots, creation, observed.measures)
    restore = wiring.restore(settings, outside.cluster, outside.connection, outside.journal, slots)
    intake = _intake(settings, dispatch, restore, holds, observed.measures)
    membership = wiring.membership(settings)
    source = await once_there(
        lambda: stack.enter_async_context(record_source(outside.connection, membership, intake)), holds, stopping
    )
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


def _pipeline(
    settings: Settings, outside: Outside, decoder: Decoder, creation: Creation, observed: Observed
) -> Pipeline:
    return Pipeline(
        decode=decoder,
        creation=creation,
        results=wiring.results(settings),
        publish=outside.results.publish,
        schemas=outside.schemas or NoRegistry(),
        trails=observed.trails,
        measures=observed.measures,
    )


def _dispatch(settings: Settings, pipeline: Pipeline, slots: Slots, creation: Creation, measures: Measures) -> Dispatch:
    return Dispatch(
        pipeline.process,
        slots,
        max_uncommitted=settings.dispatch.max_uncommitted,
        measures=measures,
        shares=creation.pace,
    )


def _intake(settings: Settings, dispatch: Dispatch, restore: Restore, holds: Holds, measures: Measures) -> Intake:
    return Intake(
        dispatch=dispatch,
        restore=restore,
        holds=holds,
        drain_timeout=settings.dispatch.drain_timeout,
        measures=measures,
        start=wiring.start(settings),
    )


def with_signals(stopping: Stopping) -> None:
    """The first SIGTERM or SIGINT drains, the second leaves at once (open intents stay, which is safe)."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def told(name: str) -> None:
        log.info("stop.requested", signal=name, forced=stopping.is_set())
        if stopping.is_set() and task:
            stopping.hurry()
            task.cancel()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told, number.name)
