"""One replay, or what it would do: yields what happens; whoever asked for it shows that to a person."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from worker import wiring
from worker.creation.holds import Holds
from worker.kafka.exclusive import Exclusive
from worker.kafka.places import Places, places
from worker.model.records import Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.fence import fence
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.look_back import LookedBack, look_back
from worker.tools.dead_letters.look_up import LookUp
from worker.tools.dead_letters.replay import Origin, Rules
from worker.tools.dead_letters.replaying import Replaying
from worker.tools.dead_letters.results import Result
from worker.tools.dead_letters.selection import Selection, select, selected
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place
from worker.topics import LARGEST


@dataclass(frozen=True, slots=True)
class Order:
    """How to replay; without `publish` nothing is published or looked up.

    `stopped` is called before each batch: once it is True, the rest is left.
    """

    publish: bool = False
    limit: int | None = None
    rate: float | None = None
    accept_duplicates: bool = False
    look_up: bool = True
    origin: Origin | None = None
    stopped: Callable[[], bool] = lambda: False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Selected:
    """Tells how many letters were selected."""

    count: int


@dataclass(frozen=True, slots=True)
class Begun:
    """Tells that the earlier replays have been read; from now on results of the letters follow."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some letters; those of them that were published were published together."""

    results: list[Result]


Happening = Selected | Begun | Batch


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a replay. Raises Superseded as soon as somebody else's replay or resolution has begun."""

    settings: Settings
    found: Topics
    order: Order = field(default_factory=Order)

    async def replay(self, wanted: Filter | Selection) -> AsyncGenerator[Happening]:
        """Select letters, find out what was replayed before, then replay the selection from its oldest letter on."""
        async with AsyncExitStack() as stack:
            # The publisher must be the only one before it looks at what was replayed: see worker.kafka.exclusive.
            publisher = await self._publisher(stack)
            chosen = wanted if isinstance(wanted, Selection) else await select(self.found, wanted, self.order.limit)
            yield Selected(len(chosen.places))
            replaying = await self._replaying(stack, publisher, await look_back(self.found, chosen.lowest))
            yield Begun()
            records = await stack.enter_async_context(aclosing(selected(self.found, chosen.places)))
            batches = await stack.enter_async_context(aclosing(replaying.batches(records)))
            async for results in batches:
                yield Batch(results)

    async def _publisher(self, stack: AsyncExitStack) -> Exclusive | None:
        if not self.order.publish:
            return None
        return await stack.enter_async_context(fence(self.settings, largest=LARGEST))

    async def _replaying(self, stack: AsyncExitStack, publisher: Exclusive | None, before: LookedBack) -> Replaying:
        originals = await stack.enter_async_context(places(self.found.connection, self.found.plan.requests))
        return Replaying(
            self._rules(before),
            before.replayed,
            _Originals(originals),
            await self._look_up(stack),
            publisher.publish if publisher else None,
            self.order.rate,
            sleep=self.order.sleep,
            stopped=self.order.stopped,
            resolved=before.resolved,
        )

    def _rules(self, before: LookedBack) -> Rules:
        return Rules(
            self.found.plan.requests,
            before.requests,
            self.settings.dead_letters.max_replays,
            self.order.accept_duplicates,
            look_up=self._looks_up(),
            origin=self.order.origin,
            compacted=self.found.compacted,
            largest=self.found.largest,
        )

    def _looks_up(self) -> bool:
        return self.order.look_up and self.settings.reconcile.by != "none"

    async def _look_up(self, stack: AsyncExitStack) -> LookUp | None:
        if not self.order.publish or not self._looks_up():
            return None
        return await look_up(self.settings, stack)


async def look_up(settings: Settings, stack: AsyncExitStack) -> LookUp:
    """The look-up, with one session of the API while the stack is open; the login comes with the first look-up."""
    api = await stack.enter_async_context(wiring.api(settings))
    reconciliation = wiring.reconciliation(settings, Holds(wiring.breaker(settings)), api)
    return LookUp(reconciliation, await stack.enter_async_context(wiring.decoding(settings, wiring.catalog(settings))))


@dataclass(frozen=True, slots=True)
class _Originals:
    """Reads original records, one at a time: the consumer has to seek for each."""

    topic: Places
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, place: Place) -> Record | None:
        async with self.one:
            return await self.topic.at(place.partition, place.offset)
