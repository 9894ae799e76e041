"""One at a time for each thing, in the order in which they came; nothing is waited for where nobody else is."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from types import TracebackType

Wait = Callable[[asyncio.Future[None]], Awaitable[None]]
"""Return when it is done. Whoever waits says how: what must not be held meanwhile is given back there."""


class Turns:
    """What is at work, and who waits for it."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    def of(self, thing: Hashable, wait: Wait) -> "Turn":
        """To be used once, with `async with`; inside nobody else has that thing."""
        return Turn(self, thing, wait)

    async def begin(self, thing: Hashable, wait: Wait) -> None:
        """Return when it is ours; where the wait ends otherwise it is not, and what that raises is raised."""
        waiting = self._waiting.get(thing)
        if waiting is None:
            self._waiting[thing] = deque()
            return
        ours = asyncio.get_running_loop().create_future()
        waiting.append(ours)
        try:
            await wait(ours)
        except BaseException:
            if not ours.cancel() and not ours.cancelled() and ours.exception() is None:
                self.end(thing)
            raise

    def end(self, thing: Hashable) -> None:
        """The next one's turn."""
        waiting = self._waiting[thing]
        while waiting:
            following = waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        del self._waiting[thing]


class Turn:
    """A class of its own: a generator as context manager took 4 µs of each record's 150."""

    __slots__ = ("_of", "_thing", "_wait")

    def __init__(self, of: Turns, thing: Hashable, wait: Wait) -> None:
        self._of = of
        self._thing = thing
        self._wait = wait

    async def __aenter__(self) -> None:
        await self._of.begin(self._thing, self._wait)

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._of.end(self._thing)
