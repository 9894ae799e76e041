"""How many calls to the API there may be at once, and for how long a record has one of them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


class Calls(asyncio.Semaphore):
    """A semaphore of `limit` calls.

    The limit can be moved between 1 and `most`; calls beyond it are withheld when free.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = self.limit = most
        self._kept = 0

    def release(self) -> None:
        """Give a call to whoever has waited longest, or withhold it if there are more than the limit now."""
        if self._kept < self.most - self.limit:
            self._kept += 1
        else:
            super().release()

    def move(self, limit: int) -> None:
        """Set the limit; whoever has a call keeps it until its end."""
        self.limit = max(1, min(limit, self.most))
        while self._kept > self.most - self.limit:
            self._kept -= 1
            super().release()
        while self._kept < self.most - self.limit and not self.locked():
            self._kept += 1
            with suppress(StopIteration):  # a free one is taken without a wait
                self.acquire().send(None)


@dataclass(slots=True)
class Call:
    """A record's call to the API, used by `with`: taken once or more, and given back at the record's end at the latest.

    Whoever has one waits for Kafka and the API alone, and for no other record: so each call comes back.
    """

    of: Calls
    taken: bool = field(default=False, init=False)

    async def take(self) -> None:
        """Return with a call taken; one that is taken already is kept."""
        if not self.taken:
            await self.of.acquire()
            self.taken = True

    def give(self) -> None:
        """Give the call, if one is taken, to whoever waits for one."""
        if self.taken:
            self.taken = False
            self.of.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.give()
