"""What all creations share: the API, and what decides when and how often it is called."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from worker import clocks
from worker.creation.api_limit import ApiLimit
from worker.creation.backoff import Backoff
from worker.creation.flood import Flood
from worker.creation.group_pace import GroupPace
from worker.creation.holds import Holds
from worker.creation.reconcile import Reconciliation
from worker.measures import Measures
from worker.model.commands import CreateCustomer
from worker.model.outcomes import Outcome


class Customers(Protocol):
    """The API; what each exception means stands in `worker.model.errors`."""

    async def log_in(self) -> None: ...
    async def log_in_anew(self) -> None: ...
    async def create(self, command: CreateCustomer, before_sending: Callable[[], float]) -> Outcome: ...
    async def answer(self) -> None: ...
    def location(self, customer_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a record is tried again."""

    max_attempts: int
    backoff: Backoff
    draw: Callable[[], float] = clocks.draw


@dataclass(frozen=True, slots=True)
class Means:
    """What creations share; one of these for the process."""

    customers: Customers
    reconciliation: Reconciliation
    retry: RetryPolicy
    holds: Holds
    pace: GroupPace
    flood: Flood
    limit: ApiLimit
    measures: Measures = field(default_factory=Measures)
