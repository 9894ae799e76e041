"""The state of one running sandbox."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from worker.sandbox.api.config import SandboxConfig
from worker.sandbox.api.customers import Customers
from worker.sandbox.api.faults import Faults
from worker.sandbox.api.ledger import Ledger
from worker.sandbox.api.sessions import Sessions
from worker.sandbox.api.validation import Rules

Outage = Literal["refuse", "drop"]

MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class CallLine:
    """What may be printed of one call. `status` 0 means that the connection ended without an answer."""

    method: str
    path: str
    status: int
    seconds: float
    customer_id: int | None = None
    session: str | None = None
    fault: str | None = None

    def __str__(self) -> str:
        marks = [f"customer={self.customer_id}" if self.customer_id else "", self.session or ""]
        marks += [f"fault={self.fault}" if self.fault else "", f"{self.seconds * 1000:.1f}ms"]
        return " ".join([self.method, self.path, str(self.status or "no-answer"), *filter(None, marks)])


class Sandbox:
    """One application: its sessions, customers and rules, and what the real one lacks, faults and a ledger."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.sessions = Sessions(
            config.users,
            limit=config.session_limit,
            lifetime=config.session_lifetime,
            calls=config.session_calls,
            rotate_after=config.rotate_after,
        )
        self.customers = Customers(per_department=config.departmentalization, lag=config.visibility_lag)
        self.rules = Rules(config.configured, departmentalization=config.departmentalization)
        self.ledger = Ledger(config.max_customers)
        self.faults = Faults(config.seed)
        self.may_create = config.may_create
        self.may_search = config.may_search
        self.outage: Outage | None = None
        self.stopping = asyncio.Event()
        self.calls_by_status: Counter[int] = Counter()
        self.faults_applied: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        """Whether another execution could not be recorded any more."""
        return self.ledger.full or self.customers.stored_bytes >= self.config.max_stored_bytes

    def count(self, line: CallLine) -> None:
        """Count one call, by its status and its fault."""
        self.calls_by_status[line.status] += 1
        if line.fault is not None:
            self.faults_applied[line.fault] += 1

    def summary(self) -> dict[str, Any]:
        """The figures as a JSON document; at most a hundred duplicated identities are named."""
        duplicates = self.ledger.duplicates
        return {
            "calls": self.calls_by_status.total(),
            "callsByStatus": {str(status): count for status, count in sorted(self.calls_by_status.items())},
            "executions": len(self.ledger),
            "customers": self.ledger.created,
            "identities": self.ledger.identities,
            "duplicates": len(duplicates),
            "duplicated": dict(list(duplicates.items())[:MAX_SHOWN]),
            "repliesLost": self.ledger.replies_lost,
            "faultsApplied": dict(sorted(self.faults_applied.items())),
            "sessions": len(self.sessions),
            "logins": self.sessions.logins,
            "evictedSessions": self.sessions.evicted,
            "outage": self.outage,
        }
