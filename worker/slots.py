"""The bound on what is worked on at once; a record that waits gives its slot back and comes first when it returns."""

import asyncio
from collections import deque
from collections.abc import Callable


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
        return self._free

    def take(self) -> bool:
        """A slot for new work, if one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def unused(self) -> None:
        """A slot that was taken and not needed."""
        self._free += 1

    def give(self) -> None:
        """To whoever waits to return, else to new work."""
        while self._returning:
            returning = self._returning.popleft()
            if not returning.done():
                returning.set_result(None)
                return
        self._free += 1
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

    async def returned(self) -> None:
        """A slot again, for work that was begun before; the wait ends when any other record ends or waits."""
        if self.take():
            return
        returning = asyncio.get_running_loop().create_future()
        self._returning.append(returning)
        try:
            await returning
        except asyncio.CancelledError:
            if returning.done() and not returning.cancelled():
                self.give()
            raise
