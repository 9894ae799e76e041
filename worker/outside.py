"""Opens what a worker needs of the outside, in the order of dependence; waits for Kafka however long it is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from worker import wiring
from worker.background import background
from worker.creation.holds import LOGIN, HoldReason, Holds
from worker.creation.probing import looked_after
from worker.customer import Configured
from worker.customer.live_catalog import LiveCatalog
from worker.customer_api import CustomerApi
from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.publisher import Publisher, opened_publisher
from worker.model.errors import Draining, KafkaUnavailable
from worker.ops.watch import Watch
from worker.schema_registry import Schemas
from worker.settings.settings import Settings
from worker.stopping import Stopping
from worker.topics import LARGEST, MIB, Cluster, verify

KAFKA_AGAIN_AFTER = 2.0
RESULTS_LINGER = 0.01
"""Seconds that a result may wait for others, to leave in one request: only its offset's commit waits for it."""
Opened = TypeVar("Opened")


@dataclass(frozen=True, slots=True)
class Outage:
    """Begins and ends the hold `kafka_unavailable` for one holder: a producer, or the login to Kafka."""

    holds: Holds
    holder: str

    def begin(self, detail: str) -> None:
        self.holds.begin(HoldReason.KAFKA_UNAVAILABLE, detail, self.holder)

    def end(self) -> None:
        self.holds.end(HoldReason.KAFKA_UNAVAILABLE, self.holder)


@dataclass(frozen=True, slots=True)
class Outside:
    """The open outside of the process: the API with its configured values, the schema registry, and Kafka."""

    api: CustomerApi
    catalog: Configured | None
    schemas: Schemas | None
    connection: Connection
    cluster: Cluster
    results: Publisher
    journal: Publisher


async def opened(
    settings: Settings,
    api_client: AbstractAsyncContextManager[CustomerApi],
    watch: Watch,
    stopping: Stopping,
    stack: AsyncExitStack,
) -> Outside:
    """Open one after the other, waiting for Kafka however long it is away.

    Raise Draining when told to stop meanwhile.
    """
    connection, holds = replace(wiring.connection(settings), stopping=stopping), watch.holds
    if connection.tokens:
        connection.tokens.outage = Outage(holds, LOGIN)
    api = watch.api = await stack.enter_async_context(api_client)
    catalog = await stack.enter_async_context(_catalog(settings, api))
    schemas = await stack.enter_async_context(wiring.schemas(settings, holds))

    async def kafka(make: Callable[[], AbstractAsyncContextManager[Opened]]) -> Opened:
        return await once_there(lambda: stack.enter_async_context(make()), holds, stopping)

    cluster = await kafka(lambda: _verified(connection, settings))
    results = await kafka(lambda: _results(connection, holds))
    journal = await kafka(lambda: opened_publisher(connection, Outage(holds, "journal"), max_request_size=MIB))
    await stack.enter_async_context(looked_after(holds, api))
    return Outside(api, catalog, schemas, connection, cluster, results, journal)


def _results(connection: Connection, holds: Holds) -> AbstractAsyncContextManager[Publisher]:
    return opened_publisher(connection, Outage(holds, "results"), max_request_size=LARGEST, linger=RESULTS_LINGER)


@asynccontextmanager
async def _catalog(settings: Settings, api: CustomerApi) -> AsyncIterator[Configured | None]:
    """Yield the configured values: of a file, or of the API and refreshed in the background, or None."""
    if settings.customer.catalog != "live":
        yield wiring.catalog(settings)
        return
    catalog = LiveCatalog(api)
    with background(catalog.keep_fresh(settings.customer.catalog_refresh), "catalog"):
        yield catalog


@asynccontextmanager
async def _verified(connection: Connection, settings: Settings) -> AsyncIterator[Cluster]:
    """Yield the cluster, once its topics are as the worker needs them; StartupError says what is not."""
    async with admin.opened(connection) as client:
        cluster = await verify(client, wiring.plan(settings))
    yield cluster


async def once_there(opening: Callable[[], Awaitable[Opened]], holds: Holds, stopping: asyncio.Event) -> Opened:
    """What `opening` returns, tried again while Kafka is unavailable; raise Draining when told to stop meanwhile."""
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
