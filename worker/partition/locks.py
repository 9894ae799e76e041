"""Locks on events: one record of an event at a time, in the order in which they came."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from types import TracebackType

Wait = Callable[[asyncio.Future[None]], Awaitable[None]]
"""Waits until the future is done; given by the caller, so that it can release what it must not hold meanwhile."""


class EventLocks:
    """Which events are locked, and who waits for each; to lock an event that nobody has, nothing is awaited."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def of(self, event: Hashable, wait: Wait) -> "EventLock":
        """A lock on the event, to be used once, with `async with`; inside, nobody else has that event."""
        return EventLock(self, event, wait)

    async def acquire(self, event: Hashable, wait: Wait) -> None:
        """Return when the event is ours. What `wait` raises is raised, and the event is not ours then."""
        waiting = self._waiting.get(event)
        if waiting is None:
            self._waiting[event] = deque()
            return
        ours = asyncio.get_running_loop().create_future()
        waiting.append(ours)
        try:
            await wait(ours)
        except BaseException:
            if not ours.cancel() and not ours.cancelled() and ours.exception() is None:
                self.release(event)
            raise

    def release(self, event: Hashable) -> None:
        """Hand the event to whoever has waited longest, or unlock it."""
        waiting = self._waiting[event]
        while waiting:
            following = waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        del self._waiting[event]


class EventLock:
    """The lock on one event. It is a class because a generator as context manager took 4 µs of each record's 150."""

    __slots__ = ("_event", "_of", "_wait")

    def __init__(self, of: EventLocks, event: Hashable, wait: Wait) -> None:
        self._of = of
        self._event = event
        self._wait = wait

    async def __aenter__(self) -> None:
        await self._of.acquire(self._event, self._wait)

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._of.release(self._event)
