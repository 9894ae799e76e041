"""How many calls to the API there may be at once, and for how long a record has one of them."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(slots=True)
class Call:
    """A record's call: taken once or several times, and given back at the record's end at the latest; `with` it.

    Who has one waits for Kafka and the API alone, and for no other record: so each call comes back.
    """

    of: asyncio.Semaphore
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
