"""Intake stopped on purpose, with a reason: who may try the API next, and what is told of it (docs: design, holds)."""

from collections.abc import Awaitable, Callable, Hashable
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple

import structlog

from worker import clocks
from worker.creation.breaker import LONGEST_PAUSE, Breaker
from worker.model.errors import (
    Draining,
    Fenced,
    Flooded,
    HoldBegun,
    LeaseOver,
    LoginRefused,
    SearchRefused,
    SessionContention,
    WorkerError,
)

log = structlog.get_logger()
LOGIN = "login"
"""The login to Kafka as a holder: it knows why the others fail, so that its detail is told while it holds."""
# These say nothing of an outage: the permission was not used, or the API answered.
NEUTRAL = (Draining, Fenced, HoldBegun, LeaseOver, SearchRefused)


class HoldReason(StrEnum):
    """Why nothing is taken in, from one partition or from any."""

    API_UNAVAILABLE = "api_unavailable"
    SESSION_REFUSED = "session_refused"
    SESSION_CONTENTION = "session_contention"
    REJECTION_FLOOD = "rejection_flood"
    KAFKA_UNAVAILABLE = "kafka_unavailable"
    SCHEMA_REGISTRY_UNAVAILABLE = "schema_registry_unavailable"
    JOURNAL_RESTORING = "journal_restoring"
    PARTITION_UNREADABLE = "partition_unreadable"
    JOURNAL_SHARED = "journal_shared"
    OFFSETS_LOST = "offsets_lost"
    STOPPING = "stopping"


class Hold(NamedTuple):
    """One hold: of that partition alone or, without one, of the API or of all of Kafka."""

    reason: HoldReason
    partition: int | None = None


class Holds:
    """All holds of the process; one log line at the start and end of each."""

    def __init__(self, breaker: Breaker, clock: Callable[[], float] = clocks.monotonic) -> None:
        self._breaker = breaker
        self._clock = clock
        self._since: dict[Hold, float] = {}
        self._details: dict[Hold, str] = {}
        self._holders: dict[Hold, set[str]] = {}
        self._of_breaker: HoldReason | None = None
        self._at_gate = 0
        self._creating = False

    def reasons(self) -> list[HoldReason]:
        """The holds that are of no single partition, oldest first: these alone stop the intake of all partitions."""
        return [hold.reason for hold in self._since if hold.partition is None]

    def details(self) -> dict[Hold, tuple[float, str]]:
        """Each present hold, with the seconds that it has lasted and its latest detail."""
        now = self._clock()
        return {hold: (now - since, self._details[hold]) for hold, since in self._since.items()}

    def begin(self, reason: HoldReason, detail: str, holder: str = "", partition: int | None = None) -> None:
        """Begin a hold, or join it as another holder; it lasts until each of its holders has ended it.

        `detail` is for a person, without personal data. With a `partition`, that one alone is held.
        """
        hold = Hold(reason, partition)
        holders = self._holders.setdefault(hold, set())
        holders.add(holder)
        if LOGIN not in holders or holder == LOGIN:
            self._details[hold] = detail
        if hold not in self._since:
            self._since[hold] = self._clock()
            log.warning("hold.started", reason=reason.value, detail=detail, partition=partition)

    def end(self, reason: HoldReason, holder: str = "", partition: int | None = None) -> None:
        """End this holder's part; the hold ends with its last holder."""
        hold = Hold(reason, partition)
        holders = self._holders.get(hold, set())
        holders.discard(holder)
        if holders:
            return
        self._holders.pop(hold, None)
        self._details.pop(hold, None)
        since = self._since.pop(hold, None)
        if since is not None:
            log.info("hold.ended", reason=reason.value, seconds=round(self._clock() - since, 3), partition=partition)

    def end_of(self, partition: int) -> None:
        """End all holds of a partition that is not ours any more."""
        for hold in [hold for hold in self._since if hold.partition == partition]:
            self._holders.pop(hold, None)
            self.end(hold.reason, partition=partition)

    @property
    def probes(self) -> int:
        """How many probes of the API have failed in the hold that is on."""
        return self._breaker.probes

    def others_fail(self, who: Hashable) -> bool:
        """Whether somebody other than `who` has failed since anybody last succeeded."""
        return bool(self._breaker.failing - {who})

    @property
    def flooded(self) -> bool:
        """Whether refusals are not believed now."""
        return self._of_breaker is HoldReason.REJECTION_FLOOD

    def permission(
        self, pause: Callable[[float], Awaitable[None]], who: Hashable = None, *, creates: bool = True
    ) -> "_Permission":
        """A permission to use the API, for `async with`. During a hold one caller at a time gets it; True is a probe.

        `who` is for telling one record that fails from an outage: those that have not failed yet probe first. What
        `creates` nothing does not end a hold by being answered, unless nothing is ever created in this process.
        """
        self._creating = self._creating or creates
        return _Permission(self, pause, who, creates=creates)

    async def let_through(self, pause: Callable[[float], Awaitable[None]], who: Hashable) -> bool:
        """Return when the API may be used; True where this is a probe."""
        self._at_gate += 1
        try:
            while delay := self._breaker.wait(self._clock()):
                behind = LONGEST_PAUSE if who is not None and who in self._breaker.failing else 0.0
                await pause(delay + behind)
        finally:
            self._at_gate -= 1
        return self._breaker.open

    def still(self, *, probe: bool) -> None:
        """Check, right before something is sent, that no hold has begun since the permission; raises HoldBegun."""
        if self._breaker.open and not probe:
            raise HoldBegun("a hold has begun")

    def leaves(self, who: Hashable) -> None:
        """Forget the failures of `who`, whose work is over: they say nothing of the others any more."""
        self._breaker.failing.discard(who)

    def unattended(self) -> bool:
        """Whether a hold about the API is on, its next probe is due, and nobody waits who could be the probe."""
        return self._of_breaker is not None and not self._at_gate and self._breaker.is_due(self._clock())

    def rest(self) -> None:
        """End the hold about the API: it answers, and no record is there that could try to create a customer.

        The next record goes alone all the same, and where it fails the hold goes on as if it had never ended.
        """
        self._end_of_breaker()

    def ended(self, error: BaseException | None, who: Hashable, *, probe: bool, creates: bool) -> None:
        """Count the end of a permission; an unexpected error counts as a failure, a cancellation says nothing."""
        if error is None and (creates or not self._creating):
            self._breaker.answered()
            self._end_of_breaker()
        elif isinstance(error, Exception) and not isinstance(error, NEUTRAL):
            self._failed(error, who, probe=probe)
        else:
            self._breaker.passed_on(self._clock(), probe=probe)

    def _failed(self, error: Exception, who: Hashable, *, probe: bool) -> None:
        reason, at_once = _meaning(error)
        self._breaker.failed(self._clock(), who, at_once=at_once, probe=probe)
        # A call that had begun before the hold does not change the hold's reason.
        if self._breaker.open and (probe or self._of_breaker is None):
            if self._of_breaker not in {None, reason}:
                self._end_of_breaker()
            self._of_breaker = reason
            self.begin(reason, str(error) if isinstance(error, WorkerError) else type(error).__name__)

    def _end_of_breaker(self) -> None:
        if self._of_breaker:
            self.end(self._of_breaker)
            self._of_breaker = None


class _Permission:
    """`Holds.permission`. It is a class because a generator as context manager took 4 µs of each record's 150."""

    __slots__ = ("_creates", "_holds", "_pause", "_probe", "_who")

    def __init__(
        self, holds: Holds, pause: Callable[[float], Awaitable[None]], who: Hashable, *, creates: bool
    ) -> None:
        self._holds = holds
        self._pause = pause
        self._who = who
        self._creates = creates
        self._probe = False

    async def __aenter__(self) -> bool:
        self._probe = await self._holds.let_through(self._pause, self._who)
        return self._probe

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._holds.ended(error, self._who, probe=self._probe, creates=self._creates)


def _meaning(error: Exception) -> tuple[HoldReason, bool]:
    """The hold that the error may begin, and whether it does so at once or only as one of several in a row."""
    match error:
        case SessionContention():
            return HoldReason.SESSION_CONTENTION, True
        case LoginRefused():
            return HoldReason.SESSION_REFUSED, True
        case Flooded():
            return HoldReason.REJECTION_FLOOD, True
        case _:
            return HoldReason.API_UNAVAILABLE, False
