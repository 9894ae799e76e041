"""Intake stopped on purpose, with a reason: who may try the API next, and what is said about it (design 4.10)."""

import math
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType

import structlog

from worker.errors import (
    Draining,
    Fenced,
    Flooded,
    LeaseOver,
    LoginRefused,
    SearchRefused,
    SessionContention,
    WorkerError,
)
from worker.retry import Backoff

log = structlog.get_logger()
LONGEST_PAUSE = 1.0
# They say nothing of the API: the turn was not used, or it was answered.
NEUTRAL = (Draining, Fenced, LeaseOver, SearchRefused)


class HoldReason(StrEnum):
    """Why nothing is taken in."""

    API_UNAVAILABLE = "api_unavailable"
    SESSION_REFUSED = "session_refused"
    SESSION_CONTENTION = "session_contention"
    REJECTION_FLOOD = "rejection_flood"
    KAFKA_UNAVAILABLE = "kafka_unavailable"
    JOURNAL_RESTORING = "journal_restoring"
    OFFSETS_LOST = "offsets_lost"
    STOPPING = "stopping"


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row; once open it lets one probe through at a time, after a backed-off wait."""

    after_failures: int
    backoff: Backoff
    draw: Callable[[], float] = random.random
    failures: int = 0
    probes: int = 0
    open: bool = False
    failing: set[Hashable] = field(default_factory=set)
    next_probe: float = field(default=math.inf)

    def failed(self, now: float, who: Hashable = None, *, at_once: bool) -> None:
        """One more failure; `at_once` opens whatever the count."""
        self.failing.add(who)
        if self.open and self.next_probe < math.inf:
            return  # begun before it opened: the next probe waits no longer for it
        self.failures += 1
        self.open = self.open or at_once or self.failures >= self.after_failures
        if self.open:
            self.probes += 1
            # Half fixed, half drawn: a probe comes neither at once nor in step with the other replicas'.
            self.next_probe = now + self.backoff.ceiling(self.probes) * (0.5 + self.draw() / 2)

    def given_back(self, now: float) -> None:
        """The probe's turn was not used."""
        self.next_probe = min(self.next_probe, now)

    def succeeded(self) -> None:
        """The API answers."""
        self.failures = self.probes = 0
        self.open = False
        self.failing.clear()

    def wait(self, now: float) -> float:
        """Seconds until the caller may try; 0 is the turn itself, and nobody else's until it ended."""
        if not self.open:
            return 0.0
        if now < self.next_probe:
            return min(self.next_probe - now, LONGEST_PAUSE)
        self.next_probe = math.inf
        return 0.0


class Holds:
    """All holds of the process; one log line at the start and end of each."""

    def __init__(self, breaker: Breaker, clock: Callable[[], float] = time.monotonic) -> None:
        self._breaker = breaker
        self._clock = clock
        self._since: dict[HoldReason, float] = {}
        self._details: dict[HoldReason, str] = {}
        self._holders: dict[HoldReason, set[str]] = {}
        self._of_breaker: HoldReason | None = None

    def reasons(self) -> list[HoldReason]:
        """The holds that are on, oldest first."""
        return list(self._since)

    def details(self) -> dict[HoldReason, tuple[float, str]]:
        """Of each hold that is on, how many seconds it has lasted, and what was said last about it."""
        now = self._clock()
        return {reason: (now - since, self._details[reason]) for reason, since in self._since.items()}

    def begin(self, reason: HoldReason, detail: str, holder: str = "") -> None:
        """`detail` is for a person, without personal data; a hold lasts until each of its holders has ended it."""
        self._holders.setdefault(reason, set()).add(holder)
        self._details[reason] = detail
        if reason not in self._since:
            self._since[reason] = self._clock()
            log.warning("hold.started", reason=reason.value, detail=detail)

    def end(self, reason: HoldReason, holder: str = "") -> None:
        """This holder's part is over; the hold is when it was the last."""
        holders = self._holders.get(reason, set())
        holders.discard(holder)
        since = None if holders else self._since.pop(reason, None)
        if since is not None:
            log.info("hold.ended", reason=reason.value, seconds=round(self._clock() - since, 3))

    @property
    def probes(self) -> int:
        """Probes of the API that failed in the hold that is on."""
        return self._breaker.probes

    def others_fail(self, who: Hashable) -> bool:
        """Whether somebody else has failed too since anybody succeeded."""
        return bool(self._breaker.failing - {who})

    def turn(self, pause: Callable[[float], Awaitable[None]], who: Hashable = None) -> "_Turn":
        """Use the API inside; while it is held, wait here, and only one at a time goes through: True is a probe.

        `who` is for telling one caller that fails from an outage: those that have not failed yet probe first.
        """
        return _Turn(self, pause, who)

    async def let_through(self, pause: Callable[[float], Awaitable[None]], who: Hashable) -> bool:
        """A turn's beginning."""
        while delay := self._breaker.wait(self._clock()):
            behind = LONGEST_PAUSE if who is not None and who in self._breaker.failing else 0.0
            await pause(delay + behind)
        return self._breaker.open

    def leaves(self, who: Hashable) -> None:
        """Its way is over: what it met says nothing of the others any more."""
        self._breaker.failing.discard(who)

    def ended(self, error: BaseException | None, who: Hashable) -> None:
        """A turn's end; a cancelled one says nothing."""
        if error is None:
            self._succeeded()
        elif isinstance(error, NEUTRAL):
            self._breaker.given_back(self._clock())
        elif isinstance(error, Exception):
            self._failed(error, who)

    def _failed(self, error: Exception, who: Hashable) -> None:
        reason, at_once = _meaning(error)
        self._breaker.failed(self._clock(), who, at_once=at_once)
        if self._breaker.open:
            if self._of_breaker not in {None, reason}:
                self._end_of_breaker()
            self._of_breaker = reason
            self.begin(reason, str(error) if isinstance(error, WorkerError) else type(error).__name__)

    def _succeeded(self) -> None:
        self._breaker.succeeded()
        self._end_of_breaker()

    def _end_of_breaker(self) -> None:
        if self._of_breaker:
            self.end(self._of_breaker)
            self._of_breaker = None


class _Turn:
    """A class of its own: a generator as context manager took 4 µs of each record's 150."""

    __slots__ = ("_holds", "_pause", "_who")

    def __init__(self, holds: Holds, pause: Callable[[float], Awaitable[None]], who: Hashable) -> None:
        self._holds = holds
        self._pause = pause
        self._who = who

    async def __aenter__(self) -> bool:
        return await self._holds.let_through(self._pause, self._who)

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._holds.ended(error, self._who)


def _meaning(error: Exception) -> tuple[HoldReason, bool]:
    """The hold that it may begin, and whether it does so at once or only as one of several in a row."""
    match error:
        case SessionContention():
            return HoldReason.SESSION_CONTENTION, True
        case LoginRefused():
            return HoldReason.SESSION_REFUSED, True
        case Flooded():
            return HoldReason.REJECTION_FLOOD, True
        case _:
            return HoldReason.API_UNAVAILABLE, False
