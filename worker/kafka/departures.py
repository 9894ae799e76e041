"""When the batches of many partitions leave: together, so that they share a request and each holds more."""

import asyncio
from dataclasses import dataclass

LONGEST = 0.005
"""Seconds that a batch waits for others at most: a partition in trouble does not hold up another one."""


@dataclass(eq=False, slots=True)
class Departures:
    """Says when a batch leaves: when those on their way have begun to arrive or, with none on its way, at once.

    At once is after the event loop's present round: all that becomes ready in one round leaves in one request. With
    `linger`, all leave that many seconds after the first that waits: for messages that hold nothing up.
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
        """Note that a batch is on its way."""
        self._under_way += 1

    def arrived(self) -> None:
        """Note that a batch was stored, or failed."""
        self._under_way -= 1
        if self._next is not None and not self.linger:
            asyncio.get_running_loop().call_soon(self._leave, self._next)

    def _leave(self, those: asyncio.Event) -> None:
        those.set()
        if self._next is those:
            self._next = None
