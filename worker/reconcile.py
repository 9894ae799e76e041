"""After an unknown outcome: ask whether the customer exists, and believe it only when it can be known (design 4.7)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from worker.commands import CreateCustomer
from worker.errors import SearchRefused
from worker.hold import Holds
from worker.journal import Moment


@dataclass(frozen=True, slots=True)
class Existing:
    """Exactly one customer was found."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class Absent:
    """None was found, after the API had time to carry out what was on its way and to make it searchable."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody can tell, and this is why."""

    detail: str


Finding = Existing | Absent | Unclear
Find = Callable[[CreateCustomer], Awaitable[list[str]]]


class Patience(Protocol):
    """A partition's way to wait; both raise Draining when it drains."""

    async def pause(self, seconds: float) -> None: ...
    async def settled(self, since: Moment, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Search:
    """`settle` is the longest that a POST can still be on its way after its intent was handed over, in seconds: the
    intent's time to live, the request's timeout and the search's lag together.
    """

    find: Find
    settle: float
    attempts: int = 3
    delay: float = 5.0


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Without a search there is nothing to ask, and so nothing to wait for."""

    holds: Holds
    search: Search | None = None

    async def look_up(self, command: CreateCustomer, since: Moment, patience: Patience) -> Finding:
        """`since` is when the last possible intent was handed over. Raises what the API raises, and Draining."""
        if self.search is None:
            return Unclear("no look-up is configured (WORKER_RECONCILE__BY)")
        await patience.settled(since, self.search.settle)
        for ask in range(self.search.attempts):
            if ask:
                await patience.pause(self.search.delay)
            finding = await self._ask(self.search, command, patience)
            if not isinstance(finding, Absent):
                return finding
        return Absent()

    async def _ask(self, search: Search, command: CreateCustomer, patience: Patience) -> Finding:
        try:
            async with self.holds.turn(patience.pause):
                found = await search.find(command)
        except SearchRefused as refusal:
            return Unclear(str(refusal))
        if len(found) > 1:
            return Unclear(f"{len(found)} customers were found")
        return Existing(found[0]) if found else Absent()
