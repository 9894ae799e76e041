"""The bound on what is worked on at once; whoever waits for another record gives its slot back, and comes first again.

What may be waited for, and while what is held: each only for something further down this list than all that it holds,
so that no circle of waits can close.

    its key           the record before it, which has not been settled; waits in a queue and holds nothing
    its event         another record of the same event
    the API's turn    during a hold, one at a time
    a slot
    a free call
    Kafka, the API    their answers, and time; they wait for no record of ours
"""

import asyncio
from collections import deque
from collections.abc import Callable

from worker.partition.drain import Drain


class Slots:
    """`on_free` is called whenever a slot is free and nobody is waiting to return.

    `beyond`: how many may go on without a slot once they only have something to write down and to tell.
    """

    def __init__(self, limit: int, beyond: int = 0) -> None:
        self.limit = limit
        self._free = limit
        self._beyond = beyond
        self._returning: deque[asyncio.Future[None]] = deque()
        self._on_free: Callable[[], None] = lambda: None

    def when_free(self, on_free: Callable[[], None]) -> None:
        """Whoever has more work says here how it is begun."""
        self._on_free = on_free

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
        """To whoever waits to return, else to new work."""
        self._free += 1
        while self._returning and self._free > 0:
            returning = self._returning.popleft()
            if not returning.done():
                returning.set_result(None)
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
        """The way to wait with a slot: it is given back first, and there is one again in the end. As `back_after`."""
        self.give()
        await self.back_after(awaited, drain)

    async def back_after(self, awaited: asyncio.Future[None], drain: Drain) -> None:
        """Wait for that, then for a slot; raises Draining as soon as the partition drains.

        However it ends there is a slot to be given back. What has nothing left to do but to end is not kept waiting
        for it: until it has ended there may be more of them than the limit.
        """
        try:
            await drain.unless(awaited)
            await self._returned(drain)
        except BaseException:
            self._free -= 1
            raise

    async def _returned(self, drain: Drain) -> None:
        """A slot again; the wait ends when any other record ends or waits."""
        if self.take():
            return
        returning = asyncio.get_running_loop().create_future()
        self._returning.append(returning)
        try:
            await drain.unless(returning)
        except BaseException:
            if _was_given(returning):
                self.give()
            raise


def _was_given(future: asyncio.Future[None]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
