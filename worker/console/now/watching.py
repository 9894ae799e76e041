"""The fleet and its overview as they are now: asked for once, whoever looks, and watched for what stands still."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

from worker import clocks
from worker.console.now import fleet
from worker.console.now.fleet import Fleet
from worker.console.now.replicas import Owned, Replica
from worker.console.work.steps import why
from worker.kafka.connection import Connection
from worker.kafka.overview import Asking, Overview, Waiting, asking
from worker.model.errors import StartupError, Unavailable

FRESH = 1.5
EVERY = 10.0
WITHIN = 3.0
AT_MOST = 5.0
"""Seconds that all questions to Kafka may take together: a page that waits for it is told so."""


@dataclass(frozen=True, slots=True)
class Now:
    """`overview` is what Kafka says, or why it says nothing. `stands` is for how many seconds the first record of a
    partition that is not finished has been seen to be the same one.
    """

    at: float
    group: str
    fleet: Fleet
    overview: Overview | str
    stands: Mapping[int, float] = field(default_factory=dict)

    @property
    def replicas(self) -> list[Replica]:
        """Those of our group, as far as they say which is theirs."""
        return [each for each in self.fleet.replicas if each.group in {None, self.group}]

    @property
    def members(self) -> int | None:
        """Of the group; None where Kafka does not say."""
        return len(self.overview.members) if isinstance(self.overview, Overview) else None

    @property
    def owned(self) -> dict[int, tuple[Replica, Owned]]:
        """By partition: who says that it is theirs, and what they say of it."""
        return {owned.partition: (replica, owned) for replica in self.replicas for owned in replica.partitions}

    @property
    def waiting(self) -> Mapping[int, Waiting]:
        """By partition, as far as Kafka says."""
        return self.overview.partitions if isinstance(self.overview, Overview) else {}

    def lag(self, partition: int) -> tuple[int | None, bool]:
        """(records that wait, whether there may be fewer) of that partition: its worker knows, Kafka nearly does."""
        _, owned = self.owned.get(partition, (None, None))
        if owned and owned.lag is not None:
            return owned.lag, False
        waiting = self.waiting.get(partition)
        return (waiting.at_most, waiting.at_most > 0) if waiting else (None, False)

    @property
    def partitions(self) -> list[int]:
        """All that anybody knows of."""
        return sorted({*self.owned, *self.waiting})

    @property
    def total_lag(self) -> tuple[int | None, bool]:
        """The same over all partitions; None where that of one is not told, or Kafka does not say which there are: a
        worker knows its own alone.
        """
        lags = [self.lag(number) for number in self.partitions]
        known = [lag for lag, _ in lags if lag is not None]
        if isinstance(self.overview, str) or not lags or len(known) < len(lags):
            return None, False
        return sum(known), any(bound for _, bound in lags)


@dataclass(eq=False, slots=True)
class Watching:
    """Whoever asks within a moment shares one answer, so that ten open tabs cost what one does."""

    workers: tuple[str, ...]
    connection: Connection
    topic: str
    group: str
    clock: Callable[[], float] = clocks.epoch
    _now: Now | None = None
    _asking: Asking | None = None
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: dict[int, tuple[int, float]] = field(default_factory=dict)

    async def now(self) -> Now:
        """At most a moment old. Never raises: what cannot be reached is told in it."""
        async with self._one:
            if self._now is None or not 0 <= self.clock() - self._now.at < FRESH:
                asked, overview = await asyncio.gather(fleet.ask(self.workers), self._overview())
                self._now = self._noted(Now(self.clock(), self.group, asked, overview))
            return self._now

    async def _overview(self) -> Overview | str:
        """Over connections that are kept open, and opened anew after a failure."""
        try:
            if self._asking is None:
                opening = asking(self.connection, self.topic, self.group, WITHIN)
                self._asking = await self._opened.enter_async_context(opening)
            async with asyncio.timeout(AT_MOST):
                return await self._asking.overview()
        except (Unavailable, StartupError) as error:
            await self.close()
            return str(error)
        except TimeoutError:
            await self.close()
            return f"Kafka at {self.connection.bootstrap_servers} has not answered all within {AT_MOST:g} s"
        except Exception as error:  # noqa: BLE001  such as an assignment of a member that is none of ours
            await self.close()
            return why(error)

    def _noted(self, now: Now) -> Now:
        """With what has not moved since it was seen first."""
        before, self._seen = self._seen, {}
        for number, (_, owned) in now.owned.items():
            if owned.blocking:
                offset, since = before.get(number, (owned.blocking.offset, now.at))
                self._seen[number] = (owned.blocking.offset, since if offset == owned.blocking.offset else now.at)
        stands = {number: now.at - since for number, (_, since) in self._seen.items()}
        return Now(now.at, now.group, now.fleet, now.overview, stands)

    async def close(self) -> None:
        """The connections; the next question opens others."""
        self._asking = None
        opened, self._opened = self._opened, AsyncExitStack()
        await opened.aclose()


@asynccontextmanager
async def watching(watched: Watching) -> AsyncIterator[Watching]:
    """Also while nobody looks, so that whoever comes is told since when it stands still."""
    task = asyncio.create_task(_keep_watching(watched), name="watching")
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await watched.close()


async def _keep_watching(watched: Watching) -> None:
    """For ever: what a question of it fails of is logged, and told by the pages that ask it themselves."""
    while True:
        try:
            await watched.now()
        except Exception as error:  # noqa: BLE001  whatever it is, the next one may go well
            why(error)
        await asyncio.sleep(EVERY)
