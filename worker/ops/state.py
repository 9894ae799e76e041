"""What the worker does right now, in the form of `/status` (docs: watching, status)."""

import os
import socket
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from worker import __version__, clocks
from worker.model.records import Standing

Phase = Literal["running", "holding", "draining", "restoring"]
Bound = Literal["api", "api_limit", "keys", "rate", "cpu", "uncommitted_limit", "hold", "restore", "idle"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which process this is: no other one has the same `instance` at the same time."""

    group: str
    instance: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    started: datetime = field(default_factory=clocks.moment)

    def as_dict(self) -> dict[str, Any]:
        started = self.started.isoformat(timespec="seconds")
        return {"instance": self.instance, "version": __version__, "startedAt": started, "group": self.group}


@dataclass(frozen=True, slots=True)
class Held:
    """One hold; with a `partition`, it is of that one alone."""

    reason: str
    since: datetime
    detail: str
    partition: int | None = None

    def as_dict(self) -> dict[str, Any]:
        facts = {"reason": self.reason, "since": self.since.isoformat(timespec="seconds"), "detail": self.detail}
        return facts | ({} if self.partition is None else {"partition": self.partition})


@dataclass(frozen=True, slots=True)
class Blocking:
    """The first record that is not finished: nothing behind it is committed.

    `age` is in seconds, from its timestamp.
    """

    offset: int
    age: float
    reason: str

    def as_dict(self) -> dict[str, Any]:
        return {"offset": self.offset, "ageSeconds": round(self.age, 1), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition of the requests that is this worker's."""

    topic: str
    partition: int
    standing: Standing
    journal_entries: int = 0
    blocking: Blocking | None = None

    @property
    def open_transaction(self) -> float:
        """How many seconds ago the first record of an open transaction was written; 0 where none is open."""
        opened = self.standing.open_transaction
        return max(0.0, time.time() - opened.since) if opened and opened.since else 0.0

    def as_dict(self) -> dict[str, Any]:
        facts = {
            "topic": self.topic,
            "partition": self.partition,
            "position": self.standing.position,
            "committed": self.standing.committed,
            "end": self.standing.end,
            "lag": self.standing.lag,
            "journalEntries": self.journal_entries,
        }
        return facts | ({"blocking": self.blocking.as_dict()} if self.blocking else {})


@dataclass(frozen=True, slots=True)
class SessionState:
    """The session with the API: its age in seconds, None without one."""

    age: float | None
    renewals: int

    def as_dict(self) -> dict[str, Any]:
        return {"ageSeconds": None if self.age is None else round(self.age, 1), "renewals": self.renewals}


@dataclass(frozen=True, slots=True)
class State:
    """The state of the whole worker at one moment, as `/status` shows it."""

    phase: Phase
    holds: tuple[Held, ...]
    in_flight: int
    queued: int
    bound_by: Bound
    session: SessionState
    partitions: tuple[PartitionState, ...]
    dropped_elements: int = 0
    identity: Identity | None = None
    api_limit: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The state in the form of `/status`."""
        return (self.identity.as_dict() if self.identity else {}) | {
            "state": self.phase,
            "holds": [each.as_dict() for each in self.holds],
            "inFlight": self.in_flight,
            "queued": self.queued,
            "boundBy": self.bound_by,
            "session": self.session.as_dict(),
            "partitions": [each.as_dict() for each in self.partitions],
        }


@dataclass(frozen=True, slots=True)
class Load:
    """What decides what the throughput is bound by.

    `full`: no slot or no call is free. `at_limit`: a partition is not read on because of its uncommitted records.
    `api_limited`: fewer calls are allowed than the settings allow, because the API bears no more.
    """

    held: bool = False
    restoring: bool = False
    paced: bool = False
    core_full: bool = False
    full: bool = False
    api_limited: bool = False
    in_flight: int = 0
    queued: int = 0
    at_limit: bool = False


def bound_by(load: Load) -> Bound:
    """What bounds the throughput: the first of these rules that applies.

    The rate comes before the API, since a record that waits for its moment has given its slot back. So does the core,
    since answers that wait to be read take slots, too. Records that are queued while slots are free wait for others of
    their key.
    """
    busy = bool(load.in_flight or load.queued)
    rules: tuple[tuple[bool, Bound], ...] = (
        (load.held, "hold"),
        (load.restoring and not busy, "restore"),
        (load.paced, "rate"),
        (load.core_full and busy, "cpu"),
        (load.full and load.api_limited, "api_limit"),
        (load.full, "api"),
        (load.queued > 0, "keys"),
        (load.at_limit, "uncommitted_limit"),
        (busy, "api"),
    )
    return next((bound for applies, bound in rules if applies), "idle")
