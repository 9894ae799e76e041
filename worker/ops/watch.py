"""Reads the present state from the parts that know it, when it is asked for: records are handled without counting."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from worker import clocks
from worker.creation.api_limit import ApiLimit
from worker.creation.group_pace import GroupPace
from worker.creation.holds import HoldReason, Holds
from worker.intake.dispatch import Dispatch
from worker.intake.opened import Work
from worker.model.records import Standing
from worker.ops.core import Core
from worker.ops.state import Blocking, Bound, Held, Identity, Load, PartitionState, Phase, SessionState, State, bound_by
from worker.steps import Trails


class Polling(Protocol):
    """The intake: `polled` is when it last asked for records (monotonic seconds), None while it is not meant to ask."""

    @property
    def polled(self) -> float | None: ...
    @property
    def restoring(self) -> Collection[int]: ...


class Standings(Protocol):
    """Tells where the consumer stands in each partition."""

    def of(self, partition: int) -> Standing: ...


class LoggedIn(Protocol):
    """The session with the API."""

    @property
    def session_age(self) -> float | None: ...
    @property
    def renewals(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Consumption:
    """The parts of the worker that exist once Kafka is reached."""

    topic: str
    dispatch: Dispatch
    intake: Polling
    standings: Standings
    pace: GroupPace
    trails: Trails
    limit: ApiLimit
    dropped: Callable[[], int] = lambda: 0


@dataclass(slots=True)
class Watch:
    """What `/status`, `/readyz` and `/metrics` are made of; the parts are put in as they are made."""

    holds: Holds
    api: LoggedIn | None = None
    consumption: Consumption | None = None
    core: Core = field(default_factory=Core)
    identity: Identity | None = None

    def polled(self) -> float | None:
        """When the consumer last asked for records; None before it begins, and from a stop's drain on."""
        return self.consumption.intake.polled if self.consumption else None

    def not_ready(self) -> list[str]:
        """Why nothing is taken in, from any partition or from one, by reasons; empty where all are taken from."""
        reasons = list(dict.fromkeys(hold.reason.value for hold in self.holds.details()))
        return reasons or ([] if self.polled() else ["starting"])

    def state(self) -> State:
        """The state of the whole worker at this moment."""
        work = self.consumption.dispatch.work() if self.consumption else []
        session = SessionState(self.api.session_age, self.api.renewals) if self.api else SessionState(None, 0)
        return State(
            self._phase(),
            tuple(self._held()),
            sum(each.at_work for each in work),
            sum(each.queued for each in work),
            self._bound_by(work),
            session,
            tuple(self._partitions(work)),
            self.consumption.dropped() if self.consumption else 0,
            self.identity,
            self.consumption.limit.calls.limit if self.consumption else 0,
        )

    def _phase(self) -> Phase:
        reasons = self.holds.reasons()
        if HoldReason.STOPPING in reasons:
            return "draining"
        if reasons:
            return "holding"
        held = {hold.partition: hold.reason for hold in self.holds.details()}
        if HoldReason.JOURNAL_RESTORING in held.values() or not self.polled():
            return "restoring"
        return "holding" if held and held.keys() >= set(self._ours()) else "running"

    def _ours(self) -> Iterator[int]:
        """The partitions that the group gave us."""
        if self.consumption:
            yield from (each.partition for each in self.consumption.dispatch.assignments())
            yield from self.consumption.intake.restoring

    def _held(self) -> Iterator[Held]:
        now = clocks.moment()
        for hold, (seconds, detail) in self.holds.details().items():
            yield Held(hold.reason.value, now - timedelta(seconds=seconds), detail, hold.partition)

    def _bound_by(self, work: list[Work]) -> Bound:
        held = bool(self.holds.reasons())
        if not self.consumption:
            return bound_by(Load(held=held, restoring=not held))
        return bound_by(
            Load(
                held,
                restoring=bool(self.consumption.intake.restoring),
                paced=self.consumption.pace.somebody_waits(),
                core_full=self.core.is_full(),
                full=self.consumption.dispatch.is_full() or self.consumption.limit.calls.locked(),
                api_limited=self.consumption.limit.binds,
                in_flight=sum(each.at_work for each in work),
                queued=sum(each.queued for each in work),
                at_limit=any(each.at_limit for each in work),
            )
        )

    def _partitions(self, work: list[Work]) -> Iterator[PartitionState]:
        """The state of each partition that is open, or whose journal is being read."""
        if not self.consumption:
            return
        of = {each.assignment.partition: each for each in work}
        for number in sorted({*of, *self.consumption.intake.restoring}):
            known, standing = of.get(number), self.consumption.standings.of(number)
            yield PartitionState(
                self.consumption.topic,
                number,
                standing,
                len(known.assignment.journal) if known else 0,
                _blocking(known, self.consumption.trails) or _open_transaction(standing) if known else None,
            )


def _open_transaction(standing: Standing) -> Blocking | None:
    """The open transaction as what blocks, since all records before it are finished."""
    opened = standing.open_transaction
    return Blocking(opened.offset, _age(opened.since), "open_transaction") if opened else None


def _age(since: float | None) -> float:
    return max(0.0, time.time() - since) if since else 0.0


def _blocking(work: Work, trails: Trails) -> Blocking | None:
    """The oldest record that is not finished, and what it waits for; one without a trail is queued in its lane."""
    offset = work.assignment.offsets.oldest
    if offset is None:
        return None
    trail = trails.of(work.assignment.partition, offset)
    record = trail.record if trail else work.next
    since = record.since if record and record.offset == offset else None
    return Blocking(offset, _age(since), trail.step if trail else "queued")
