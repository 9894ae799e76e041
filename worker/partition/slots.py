"""Slots bound how many records are worked on at once.

A record that waits gives its slot back, and takes one again before new work does. No circle of waits can close:
whoever holds something of this list waits only for what stands further down.

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
    """At most `limit` slots. New work gets a free slot only when no record waits to take one again.

    `beyond` is how many records may go on without a slot once they only have something to write down and to tell.
    """

    def __init__(self, limit: int, beyond: int = 0) -> None:
        self.limit = limit
        self._free = limit
        self._beyond = beyond
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._on_free: Callable[[], None] = lambda: None

    def when_free(self, on_free: Callable[[], None]) -> None:
        """Set the function that begins new work; it is called whenever a slot is free for that."""
        self._on_free = on_free

    def resize(self, limit: int) -> None:
        """Change the limit; whoever has a slot keeps it."""
        self._free += limit - self.limit
        self.limit = limit
        self._hand_on()

    @property
    def free(self) -> int:
        """How many slots nobody has."""
        return max(0, self._free)

    def take(self) -> bool:
        """Take a slot for new work; False where none is free."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def unused(self) -> None:
        """Give back a slot that was taken and not needed; nobody is told."""
        self._free += 1

    def give(self) -> None:
        """Give a slot back: to the record that has waited longest to take one again, else to new work."""
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
        """Give the slot back and go on without it; False where too many do so already: the slot is kept.

        After True, `ended` is to be called in the end, and not `give`.
        """
        if not self._beyond:
            return False
        self._beyond -= 1
        self.give()
        return True

    def ended(self) -> None:
        """Note that a record that gave its slot back early has ended."""
        self._beyond += 1

    async def without(self, awaited: asyncio.Future[None], drain: Drain) -> None:
        """Wait for the future with the caller's slot given back; then take a slot again, as `take_after` does."""
        self.give()
        await self.take_after(awaited, drain)

    async def take_after(self, awaited: asyncio.Future[None], drain: Drain) -> None:
        """Wait for the future, then for a slot; raises Draining as soon as the partition drains.

        The caller has a slot to give back in the end, also after an exception. Then it has nothing left to do but to
        end, and does not wait for the slot: until it has ended, more slots than the limit may be taken.
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
