"""The schemas that records name: each is fetched once and kept; only records that need it wait for it."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from worker import clocks
from worker.creation.backoff import Backoff
from worker.creation.holds import HoldReason, Holds
from worker.customer.documents import Unreadable
from worker.events.registered.schema import Read, refusing
from worker.events.registered.wire import SchemaKey, framed
from worker.model.errors import SchemaRegistryUnavailable, WorkerError
from worker.model.records import Record

MOST: Final = 1_000
"""How many schemas are kept at once."""
UNKNOWN_FOR: Final = 10.0
"""For so many seconds a schema counts as missing after the registry said so: it may still be registered."""

_HOLD: Final = HoldReason.SCHEMA_REGISTRY_UNAVAILABLE


class Registry(Protocol):
    """The registry. Raises SchemaRegistryUnavailable while it does not answer, Unreadable for an unusable schema."""

    async def reader(self, key: SchemaKey) -> Read: ...


class _Waiting(NamedTuple):
    partition: int
    there: asyncio.Future[None]


@dataclass(eq=False, slots=True)
class _Fetch:
    """One schema that is being fetched; `failed` is why it has not come yet."""

    key: SchemaKey
    waiting: list[_Waiting] = field(default_factory=list)
    failed: str | None = None

    def partitions(self) -> set[int]:
        """The partitions whose records still wait; the records of a drained partition do not."""
        self.waiting = [each for each in self.waiting if not each.there.done()]
        return {each.partition for each in self.waiting}


class Schemas:
    """The readers of the schemas that were fetched, of the last `most` ones.

    While the registry does not answer, each partition in which a record waits for it is held. Records that need no
    schema, or one that is known, go on.
    """

    def __init__(
        self,
        registry: Registry,
        holds: Holds,
        backoff: Backoff,
        most: int = MOST,
        draw: Callable[[], float] = clocks.draw,
    ) -> None:
        self._registry = registry
        self._holds = holds
        self._backoff = backoff
        self._most = most
        self._draw = draw
        self._known: OrderedDict[SchemaKey, tuple[Read, float | None]] = OrderedDict()
        self._fetches: dict[SchemaKey, _Fetch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered = asyncio.Event()

    def reader(self, schema: SchemaKey) -> Read:
        """The schema's reader.

        Raises SchemaRegistryUnavailable before the schema was fetched, and again some time after the registry lacked
        it.
        """
        if not self._is_known(schema):
            raise SchemaRegistryUnavailable(f"schema {schema} was not asked for yet")
        self._known.move_to_end(schema)
        return self._known[schema][0]

    def wanted(self, record: Record) -> asyncio.Future[None] | None:
        """A new future, done once the record's schema is there, however long that takes; None where it is already."""
        if (key := self._missing(record)) is None:
            return None
        fetch = self._fetches.get(key) or self._begun(key)
        waiting = _Waiting(record.partition, asyncio.get_running_loop().create_future())
        fetch.waiting.append(waiting)
        if fetch.failed:
            self._holds.begin(_HOLD, fetch.failed, str(fetch.key), record.partition)
        return waiting.there

    async def fetch(self, record: Record) -> None:
        """Fetch the record's schema, for a caller that would rather fail than wait.

        Raises SchemaRegistryUnavailable.
        """
        if (key := self._missing(record)) is not None:
            await self._ask(key)

    async def close(self) -> None:
        """End all fetches: nobody waits any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _missing(self, record: Record) -> SchemaKey | None:
        try:
            named = framed(record)
        except Unreadable:
            return None  # decoding the record raises this error again
        return None if named is None or self._is_known(named.schema) else named.schema

    def _is_known(self, key: SchemaKey) -> bool:
        known = self._known.get(key)
        return known is not None and (known[1] is None or clocks.monotonic() < known[1])

    def _begun(self, key: SchemaKey) -> _Fetch:
        fetch = self._fetches[key] = _Fetch(key)
        task = asyncio.create_task(self._fetch(fetch), name=f"schema {key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return fetch

    async def _fetch(self, fetch: _Fetch) -> None:
        """Fetch the schema until it is there, or nobody waits for it any more."""
        held: set[int] = set()
        failures = 0
        try:
            while not await self._came(fetch):
                failures += 1
                held |= self._hold(fetch)
                await self._rest(failures)
                if not fetch.partitions():
                    break
        finally:
            self._end(fetch, held)

    async def _came(self, fetch: _Fetch) -> bool:
        try:
            await self._ask(fetch.key)
        except Exception as error:  # noqa: BLE001  whatever it is, records wait for it: it is told, and tried again
            fetch.failed = str(error) if isinstance(error, WorkerError) else type(error).__name__
            return False
        self._answered.set()
        self._answered = asyncio.Event()
        return True

    async def _ask(self, key: SchemaKey) -> None:
        try:
            self._keep(key, await self._registry.reader(key), None)
        except Unreadable as error:
            self._keep(key, refusing(str(error)), clocks.monotonic() + UNKNOWN_FOR)

    def _keep(self, key: SchemaKey, read: Read, until: float | None) -> None:
        self._known[key] = read, until
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def _hold(self, fetch: _Fetch) -> set[int]:
        partitions = fetch.partitions()
        for partition in partitions:
            self._holds.begin(_HOLD, fetch.failed or "", str(fetch.key), partition)
        return partitions

    async def _rest(self, failures: int) -> None:
        """Wait until the next try: for a while, or until the registry has answered another question."""
        delay = self._backoff.ceiling(failures) * (0.5 + self._draw() / 2)
        try:
            await asyncio.wait_for(self._answered.wait(), delay)
        except TimeoutError:
            return

    def _end(self, fetch: _Fetch, held: set[int]) -> None:
        del self._fetches[fetch.key]
        for partition in held | fetch.partitions():
            self._holds.end(_HOLD, str(fetch.key), partition)
        for each in fetch.waiting:
            if not each.there.done():
                each.there.set_result(None)


@asynccontextmanager
async def opened_schemas(registry: Registry, holds: Holds, backoff: Backoff) -> AsyncIterator[Schemas]:
    """Yield the schemas; in the end all fetches are stopped."""
    schemas = Schemas(registry, holds, backoff)
    try:
        yield schemas
    finally:
        await schemas.close()
