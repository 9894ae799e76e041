"""The fleet and the group as they are now: asked once for all viewers, and watched for what stands still."""

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
"""Seconds that all questions to Kafka may take together; after that a page says that Kafka did not answer."""


@dataclass(frozen=True, slots=True)
class Now:
    """One look at everything. `overview` is what Kafka says, or why it says nothing.

    `stands` is, by partition, for how many seconds its first unfinished record has been seen to be the same.
    """

    at: float
    group: str
    fleet: Fleet
    overview: Overview | str
    stands: Mapping[int, float] = field(default_factory=dict)

    @property
    def replicas(self) -> list[Replica]:
        """The replicas of our group, and those that do not say their group."""
        return [each for each in self.fleet.replicas if each.group in {None, self.group}]

    @property
    def members(self) -> int | None:
        """How many members the group has; None where Kafka does not say."""
        return len(self.overview.members) if isinstance(self.overview, Overview) else None

    @property
    def owned(self) -> dict[int, tuple[Replica, Owned]]:
        """For each partition the replica that says that it has the partition, and what it reports of it."""
        return {owned.partition: (replica, owned) for replica in self.replicas for owned in replica.partitions}

    @property
    def waiting(self) -> Mapping[int, Waiting]:
        """What waits in each partition, as far as Kafka says."""
        return self.overview.partitions if isinstance(self.overview, Overview) else {}

    def lag(self, partition: int) -> tuple[int | None, bool]:
        """How many records wait in the partition, and whether that is only a bound.

        Kafka knows less than the worker.
        """
        _, owned = self.owned.get(partition, (None, None))
        if owned and owned.lag is not None:
            return owned.lag, False
        waiting = self.waiting.get(partition)
        return (waiting.at_most, waiting.at_most > 0) if waiting else (None, False)

    @property
    def partitions(self) -> list[int]:
        """All partitions that a replica or Kafka names."""
        return sorted({*self.owned, *self.waiting})

    @property
    def total_lag(self) -> tuple[int | None, bool]:
        """The lag over all partitions, as in `lag`; None where one partition's is not known.

        It is not known either where Kafka does not say which partitions there are: a worker knows only its own.
        """
        lags = [self.lag(number) for number in self.partitions]
        known = [lag for lag, _ in lags if lag is not None]
        if isinstance(self.overview, str) or not lags or len(known) < len(lags):
            return None, False
        return sum(known), any(bound for _, bound in lags)


@dataclass(eq=False, slots=True)
class Watching:
    """Asks, and shares each answer for a moment, so that ten open tabs cost as much as one."""

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
        """The state, at most a moment old. Never raises: what cannot be reached is said in it."""
        async with self._one:
            if self._now is None or not 0 <= self.clock() - self._now.at < FRESH:
                asked, overview = await asyncio.gather(fleet.ask(self.workers), self._overview())
                self._now = self._noted(Now(self.clock(), self.group, asked, overview))
            return self._now

    async def _overview(self) -> Overview | str:
        """What Kafka says, over connections that are kept open, and opened again after a failure."""
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
        """The same, with for how long each first record has not moved since it was first seen."""
        before, self._seen = self._seen, {}
        for number, (_, owned) in now.owned.items():
            if owned.blocking:
                offset, since = before.get(number, (owned.blocking.offset, now.at))
                self._seen[number] = (owned.blocking.offset, since if offset == owned.blocking.offset else now.at)
        stands = {number: now.at - since for number, (_, since) in self._seen.items()}
        return Now(now.at, now.group, now.fleet, now.overview, stands)

    async def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        self._asking = None
        opened, self._opened = self._opened, AsyncExitStack()
        await opened.aclose()


@asynccontextmanager
async def watching(watched: Watching) -> AsyncIterator[Watching]:
    """Watch also while nobody looks, so that a viewer learns since when something stands still."""
    task = asyncio.create_task(_keep_watching(watched), name="watching")
    try:
        yield watched
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await watched.close()


async def _keep_watching(watched: Watching) -> None:
    """Ask for ever; an error is logged, and pages that ask themselves show it."""
    while True:
        try:
            await watched.now()
        except Exception as error:  # noqa: BLE001  whatever it is, the next one may go well
            why(error)
        await asyncio.sleep(EVERY)
