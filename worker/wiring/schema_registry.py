"""The schema registry whose schemas a topic's values name, if there is one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec

from worker.creation.backoff import Backoff
from worker.creation.holds import Holds
from worker.customer import Configured
from worker.events.mapping import EventMapping
from worker.model.commands import Command
from worker.model.errors import SchemaRegistryUnavailable, SettingsError
from worker.model.records import Record
from worker.schema_registry import Access, Registry, Schemas, opened_schemas, schema_registry
from worker.settings.settings import Settings
from worker.wiring.creation import breaker
from worker.wiring.events import decoder

Decode = Callable[[Record], Awaitable[Command]]

EXTRA = ("fastavro", "google.protobuf", "google.type", "grpc_tools")


def registry(settings: Settings) -> AbstractAsyncContextManager[Registry] | None:
    """A client of the registry; None where none is set. SettingsError where a package that it needs is missing."""
    given = settings.events
    if given.registry_url is None:
        return None
    if missing := [name for name in EXTRA if not _is_there(name)]:
        raise SettingsError(
            f"WORKER_EVENTS__REGISTRY_URL: needs the package {missing[0]}, which is missing: "
            "pip install 'customer-worker[registry]' brings it"
        )
    password, token = given.registry_password, given.registry_token
    return schema_registry(
        Access(
            given.registry_url,
            given.registry_username,
            password.get_secret_value() if password else None,
            token.get_secret_value() if token else None,
            given.registry_ca_file,
        )
    )


@asynccontextmanager
async def schemas(settings: Settings, holds: Holds) -> AsyncIterator[Schemas | None]:
    """Yield the schemas that records name; None without a registry."""
    if (client := registry(settings)) is None:
        yield None
        return
    backoff = Backoff(settings.hold.probe_delay, settings.hold.max_probe_delay)
    async with client as asked, opened_schemas(asked, holds, backoff) as known:
        yield known


@asynccontextmanager
async def decoding(
    settings: Settings, catalog: Configured | None, mapping: EventMapping | None = None
) -> AsyncIterator[Decode]:
    """Yield a function that decodes records as the worker does, for a command.

    It raises SchemaRegistryUnavailable where the worker would wait.
    """
    async with schemas(settings, Holds(breaker(settings))) as known:
        decode = decoder(settings, catalog, mapping, known)

        async def decoded(record: Record) -> Command:
            try:
                return decode(record)
            except SchemaRegistryUnavailable:
                if known is None:
                    raise
            await known.fetch(record)
            return decode(record)

        yield decoded


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
