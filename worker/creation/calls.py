"""How many calls to the API there may be at once, and for how long a record has one of them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


class Calls(asyncio.Semaphore):
    """As many as `limit`, which can be moved between 1 and `most`; those beyond it are kept back as they come free."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = self.limit = most
        self._kept = 0

    def release(self) -> None:
        """To whoever waits longest, unless there are too many of them now."""
        if self._kept < self.most - self.limit:
            self._kept += 1
        else:
            super().release()

    def move(self, limit: int) -> None:
        """So many there may be from now on; who has a call keeps it until its end."""
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
    """A record's call: taken once or several times, and given back at the record's end at the latest; `with` it.

    Who has one waits for Kafka and the API alone, and for no other record: so each call comes back.
    """

    of: Calls
    taken: bool = field(default=False, init=False)

    async def take(self) -> None:
        """Return with a call in hand; whoever has it already keeps it."""
        if not self.taken:
            await self.of.acquire()
            self.taken = True

    def give(self) -> None:
        """Hand the call to whoever waits for one."""
        if self.taken:
            self.taken = False
            self.of.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.give()
