"""The bound on what is worked on at once; whoever waits gives its slot back, and takes one again before new work does.

What may be waited for, and while what is held: each only for something further down this list than all that it holds,
so that no circle of waits can close.

    its key           the record before it, whose outcome is not known; waits in a queue and holds nothing
    its event         another record of the same event
    a permission      to use the API: during a hold, one at a time
    a slot
    a free call
    Kafka, the API    their answers, a schema registry's and time; they wait for no record of ours
"""

import asyncio
from collections import deque
from collections.abc import Callable

from worker.partition.drain import Drain


class Slots:
    """`on_free` is called whenever a slot is free and nobody waits to take one again.

    `beyond`: how many may go on without a slot once they only have something to write down and to tell.
    """

    def __init__(self, limit: int, beyond: int = 0) -> None:
        self.limit = limit
        self._free = limit
        self._beyond = beyond
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._on_free: Callable[[], None] = lambda: None

    def when_free(self, on_free: Callable[[], None]) -> None:
        """Whoever has more work says here how it is begun."""
        self._on_free = on_free

    def resize(self, limit: int) -> None:
        """So many from now on; who has one keeps it."""
        self._free += limit - self.limit
        self.limit = limit
        self._hand_on()

    @property
    def free(self) -> int:
        """Slots that nobody has."""
        return max(0, self._free)

    def take(self) -> bool:
        """A slot for new work, if one is free."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def unused(self) -> None:
        """A slot that was taken and not needed."""
        self._free += 1

    def give(self) -> None:
        """To whoever waits to take one again, else to new work."""
        self._free += 1
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and self._free > 0:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._free -= 1
        if self._free > 0:
            self._on_free()

    def give_early(self) -> bool:
        """Give it back and go on, if not too many do so already; whoever did says so with `ended`."""
        if not self._beyond:
            return False
        self._beyond -= 1
        self.give()
        return True

    def ended(self) -> None:
        """One of those who gave their slot back early has ended."""
        self._beyond += 1

    async def without(self, awaited: asyncio.Future[None], drain: Drain) -> None:
        """The way to wait with a slot: it is given back first, and there is one again in the end. As `take_after`."""
        self.give()
        await self.take_after(awaited, drain)

    async def take_after(self, awaited: asyncio.Future[None], drain: Drain) -> None:
        """Wait for that, then for a slot; raises Draining as soon as the partition drains.

        However it ends there is a slot to be given back. What has nothing left to do but to end is not kept waiting
        for it: until it has ended there may be more of them than the limit.
        """
        try:
            await drain.unless(awaited)
            await self._take_again(drain)
        except BaseException:
            self._free -= 1
            raise

    async def _take_again(self, drain: Drain) -> None:
        """Take a slot after a wait; there is one when any other record ends or waits."""
        if self.take():
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await drain.unless(waiting)
        except BaseException:
            if _was_given(waiting):
                self.give()
            raise


def _was_given(future: asyncio.Future[None]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
