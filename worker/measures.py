"""What the steps count and time, for `/metrics` (design 4.14); every series of a known label exists from the start."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from worker.outcomes import Failed, Outcome, ReasonCode, Resolution

PREFIX: Final = "customer_worker"
LoginResult = Literal["succeeded", "refused", "unavailable"]
DoubtEnd = Literal["reconciled", "absent", "parked"]
NO_ANSWER: Final = "none"
"""The request left, or part of it, and no answer came."""
NOT_SENT: Final = "not_sent"

STATUSES: Final = ("201", "204", "400", "401", "403", "408", "429", "500", "502", "503", "504", NO_ANSWER, NOT_SENT)
REQUEST_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
RECORD_SECONDS: Final = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
    7200.0,
    43200.0,
)
RESTORE_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class _Series:
    """The children of a counter with one label, looked up once each: `labels()` costs more than counting."""

    def __init__(self, counter: Counter, known: tuple[str, ...]) -> None:
        self._counter = counter
        self._children = {value: counter.labels(value) for value in known}

    def count(self, value: str, trace_id: str | None = None) -> None:
        """One more of it."""
        child = self._children.get(value)
        if child is None:
            child = self._children[value] = self._counter.labels(value)
        child.inc(1, _exemplar(trace_id))


@dataclass(frozen=True, slots=True)
class _Timer:
    histogram: Histogram

    def take(self, seconds: float, trace_id: str | None = None) -> None:
        """A clock that was set back makes no negative time."""
        self.histogram.observe(max(0.0, seconds), _exemplar(trace_id))


class Measures:
    """One of these for the process; its registry is read when `/metrics` is asked for."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it without types
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, label: str, known: tuple[str, ...]) -> _Series:
            return _Series(Counter(f"{PREFIX}_{name}", text, [label], registry=registry), known)

        def timer(name: str, text: str, buckets: tuple[float, ...]) -> _Timer:
            return _Timer(Histogram(f"{PREFIX}_{name}", text, buckets=buckets, registry=registry))

        records = Counter(
            f"{PREFIX}_records", "Records that ended, by outcome.", ["outcome", "reason"], registry=registry
        )
        self._created = {reason: records.labels("succeeded", reason) for reason in get_args(Resolution)}
        self._failed = {code: records.labels("failed", code.value) for code in ReasonCode}
        codes = tuple(code.value for code in ReasonCode)
        self._record = timer("record_seconds", "From a record's timestamp in Kafka to its result.", RECORD_SECONDS)
        self._statuses = counter("api_requests", "Requests to the API, by the answer's status.", "status", STATUSES)
        self._request = timer("api_request_seconds", "How long a request to the API took.", REQUEST_SECONDS)
        self._logins = counter("session_renewals", "Logins, the first one included.", "result", get_args(LoginResult))
        self._doubts = counter("unknown", "Unknown outcomes, by what came of them.", "resolution", get_args(DoubtEnd))
        self._dead_letters = counter("dead_letters", "Dead letters that were published.", "reason", codes)
        self._restore = timer("journal_restore_seconds", "How long a partition's journal took.", RESTORE_SECONDS)
        self._commits = Counter(f"{PREFIX}_commit_failures", "Commits that failed.", registry=registry)

    def ended(self, outcome: Outcome, seconds: float, trace_id: str | None) -> None:
        """A record's result is published, that long after the record was."""
        if isinstance(outcome, Failed):
            self._failed[outcome.reason.code].inc(1, _exemplar(trace_id))
        else:
            self._created[outcome.resolution].inc(1, _exemplar(trace_id))
        self._record.take(seconds, trace_id)

    def settled(self, outcome: Outcome) -> None:
        """A record's outcome is in the journal."""
        if isinstance(outcome, Failed):
            if outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN:
                self._doubts.count("parked")
        elif outcome.resolution == "reconciled":
            self._doubts.count("reconciled")

    def dead_lettered(self, code: ReasonCode) -> None:
        """A dead letter is published."""
        self._dead_letters.count(code.value)

    def answered(self, status: str, seconds: float, trace_id: str | None = None) -> None:
        """A request to the API is over; `status` is the answer's, or NO_ANSWER or NOT_SENT."""
        self._statuses.count(status, trace_id)
        self._request.take(seconds, trace_id)

    def logged_in(self, result: LoginResult) -> None:
        """A login is over."""
        self._logins.count(result)

    def found_absent(self) -> None:
        """It was not known whether a customer exists, and now it is: it does not."""
        self._doubts.count("absent")

    def restored(self, seconds: float) -> None:
        """A partition's journal is read."""
        self._restore.take(seconds)

    def commit_failed(self) -> None:
        """The group did not store our offsets; the next commit holds them too."""
        self._commits.inc()


def _exemplar(trace_id: str | None) -> dict[str, str] | None:
    return {"trace_id": trace_id} if trace_id else None
