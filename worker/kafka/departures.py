"""When the batches of many partitions leave: together, so that they share a request and each holds more."""

import asyncio
from dataclasses import dataclass

LONGEST = 0.005
"""Seconds that a batch waits for others at most: nobody's trouble holds up another partition."""


@dataclass(eq=False, slots=True)
class Departures:
    """What comes while others are on their way leaves when the first of them have arrived; without others, at once.

    At once is as soon as the event loop has done what it is at: what becomes ready in one turn of it leaves in one
    request. With `linger` all leaves that many seconds after the first that waits: for messages that hold nothing up.
    """

    linger: float = 0.0
    _under_way: int = 0
    _next: asyncio.Event | None = None

    async def wait(self) -> None:
        """Return when a batch is to be filled and handed over."""
        if self._next is None:
            self._next = asyncio.Event()
            loop = asyncio.get_running_loop()
            if self.linger or self._under_way:
                loop.call_later(self.linger or LONGEST, self._leave, self._next)
            else:
                loop.call_soon(self._leave, self._next)
        await self._next.wait()

    def left(self) -> None:
        """A batch is on its way."""
        self._under_way += 1

    def arrived(self) -> None:
        """It is stored, or it failed."""
        self._under_way -= 1
        if self._next is not None and not self.linger:
            asyncio.get_running_loop().call_soon(self._leave, self._next)

    def _leave(self, those: asyncio.Event) -> None:
        those.set()
        if self._next is those:
            self._next = None
