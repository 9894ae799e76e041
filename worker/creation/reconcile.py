"""After an unknown outcome: ask whether the customer exists, and believe it only when it can be known."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from worker.counting import counted
from worker.creation.holds import Holds
from worker.journal.lease import Moment
from worker.model.commands import CreateCustomer
from worker.model.errors import ApiUnavailable, LoginRefused, OutcomeUnknown, RefusedForNow, SearchRefused
from worker.model.evidence import NO_EVIDENCE, Evidence


@dataclass(frozen=True, slots=True)
class Existing:
    """Exactly one customer was found, and it is the command's own."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class Absent:
    """No customer was found, after the API had time to carry out what was on its way and to make it searchable."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody can tell whether the customer exists; `detail` says why."""

    detail: str


Finding = Existing | Absent | Unclear
Find = Callable[[CreateCustomer], Awaitable[list[str]]]


class Patience(Protocol):
    """How a record waits; both raise Draining when its partition drains."""

    async def pause(self, seconds: float) -> None: ...
    async def wait_until(self, since: Moment, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Search:
    """How a customer is searched for: `attempts` times, `delay` seconds apart.

    `settle` is the longest time, in seconds, for which a POST can still be on its way after its intent was handed over:
    the intent's time to live, the request's timeout and the search's lag together. `of_others`: the search may find
    somebody else's customer as well. Then it has to be made before the first POST, too.
    """

    find: Find
    settle: float
    attempts: int = 3
    delay: float = 5.0
    of_others: bool = False


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Settles doubts. Without a search there is nothing to ask, and so nothing to wait for."""

    holds: Holds
    search: Search | None = None

    async def before(self, command: CreateCustomer) -> tuple[str, ...] | None:
        """The ids of the customers that the search finds before anything is sent; None where no answer came.

        The POST does not depend on an answer: a later hit is not believed where it is not known what was there before.
        """
        if self.search is None:
            return None
        try:
            return tuple(await self.search.find(command))
        except (ApiUnavailable, LoginRefused, OutcomeUnknown, RefusedForNow, SearchRefused):
            return None

    async def look_up(
        self,
        command: CreateCustomer,
        since: Moment,
        patience: Patience,
        evidence: Evidence = NO_EVIDENCE,
        who: Hashable = None,
    ) -> Finding:
        """Wait until a search would find the customer, then search. Raises what the API raises, and Draining.

        `since` is when the last possible intent was handed over.
        """
        if self.search is None:
            return Unclear("no look-up is configured (WORKER_RECONCILE__BY)")
        await patience.wait_until(since, self.search.settle)
        for ask in range(self.search.attempts):
            if ask:
                await patience.pause(self.search.delay)
            finding = await self._ask(self.search, command, patience, evidence, who)
            if not isinstance(finding, Absent):
                return finding
        return Absent()

    async def _ask(
        self, search: Search, command: CreateCustomer, patience: Patience, evidence: Evidence, who: Hashable
    ) -> Finding:
        try:
            async with self.holds.permission(patience.pause, who, creates=False):
                found = await search.find(command)
        except SearchRefused as refusal:
            return Unclear(str(refusal))
        return _meaning(found, evidence.found_before if search.of_others else ())


def _meaning(found: list[str], before: tuple[str, ...] | None) -> Finding:
    """What the ids that were found mean; `before` are those from before the first POST, None if they are not known."""
    match found:
        case []:
            return Absent()
        case [only] if before == ():
            return Existing(only)
        case [_]:
            known = "there was one before" if before else "it is not known whether there was one before"
            return Unclear(f"a customer was found that may be somebody else's: {known}")
        case _:
            return Unclear(f"{counted(len(found), 'customer was', 'customers were')} found")
