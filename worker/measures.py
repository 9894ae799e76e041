"""What the steps count and time (docs: watching, metrics); every known value of a label is there from the start.

The numbers are plain, and are put into the form of the exposition only when that is asked for: with prometheus-client's
own counters and histograms each record took two to four times as long (measured, the histograms with exemplars).
"""

import time
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, assert_never, get_args

from worker.model.outcomes import End, Failed, Outcome, PassedOver, ReasonCode, Resolution, Succeeded

LoginResult = Literal["succeeded", "refused", "unavailable"]
NO_ANSWER: Final = "none"
"""Stands in place of a status: at least a part of the request was sent, and no answer came."""
NOT_SENT: Final = "not_sent"

STATUSES: Final = ("201", "204", "400", "401", "403", "408", "429", "500", "502", "503", "504", NO_ANSWER, NOT_SENT)
REQUEST: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
RECORD: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0)
RESTORE: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
CODES: Final = tuple(code.value for code in ReasonCode)

Labels = tuple[str, ...]


class Example(NamedTuple):
    """One of the cases that were counted: its trace's id, its value, and when it was (seconds since 1970)."""

    trace_id: str
    value: float
    at: float


class Counted:
    """A counter for each combination of labels."""

    def __init__(self, known: Iterable[Labels] = ()) -> None:
        self.counts: dict[Labels, int] = dict.fromkeys(known, 0)
        self.examples: dict[Labels, Example] = {}

    def count(self, labels: Labels, trace_id: str | None = None) -> None:
        """Add one; the latest call with a trace id is the example."""
        self.counts[labels] = self.counts.get(labels, 0) + 1
        if trace_id:
            self.examples[labels] = Example(trace_id, 1.0, time.time())


class Timed:
    """A histogram of durations in seconds; the last bucket has no upper bound."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.examples: list[Example | None] = [None] * len(self.counts)
        self.total = 0.0

    def take(self, seconds: float, trace_id: str | None = None) -> None:
        """Count one duration; a negative one, which a clock that was set back makes, counts as 0."""
        seconds = max(0.0, seconds)
        bucket = bisect_left(self.bounds, seconds)
        self.counts[bucket] += 1
        self.total += seconds
        if trace_id:
            self.examples[bucket] = Example(trace_id, seconds, time.time())


def _each(values: Iterable[str]) -> Iterable[Labels]:
    return ((value,) for value in values)


def named(end: End) -> tuple[str, str]:
    """A record's end as metrics and the log tell it: what it was, and the reason's code, the resolution or the rule."""
    match end:
        case Failed(reason):
            return "failed", reason.code.value
        case Succeeded():
            return "succeeded", end.resolution
        case PassedOver(rule):
            return "passed_over", rule
        case other:
            assert_never(other)


@dataclass(frozen=True, slots=True)
class Measures:
    """Everything that the process counts and times; there is one of these."""

    records: Counted = field(
        default_factory=lambda: Counted(
            [*(("succeeded", each) for each in get_args(Resolution)), *(("failed", code) for code in CODES)]
        )
    )
    record: Timed = field(default_factory=lambda: Timed(RECORD))
    statuses: Counted = field(default_factory=lambda: Counted(_each(STATUSES)))
    request: Timed = field(default_factory=lambda: Timed(REQUEST))
    logins: Counted = field(default_factory=lambda: Counted(_each(get_args(LoginResult))))
    doubts: Counted = field(default_factory=lambda: Counted(_each(("reconciled", "absent", "parked", "confirmed"))))
    dead_letters: Counted = field(default_factory=lambda: Counted(_each(CODES)))
    restore: Timed = field(default_factory=lambda: Timed(RESTORE))
    commit_failures: Counted = field(default_factory=lambda: Counted([()]))
    crashes: Counted = field(default_factory=lambda: Counted([()]))
    expired: Counted = field(default_factory=Counted)

    def passing(self, rules: Iterable[str]) -> None:
        """Have a counter for each rule by which records may be passed over, from 0 on."""
        for rule in rules:
            self.records.counts.setdefault(("passed_over", rule), 0)

    def ended(self, end: End, seconds: float, trace_id: str | None) -> None:
        """Count a record's end, and time it: `seconds` from the record to its published result.

        No time if passed over.
        """
        self.records.count(named(end), trace_id)
        if not isinstance(end, PassedOver):
            self.record.take(seconds, trace_id)

    def count_outcome(self, outcome: Outcome) -> None:
        """Count an outcome that is in the journal, if it settled a doubt."""
        if isinstance(outcome, Failed):
            if outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN:
                self.doubts.count(("parked",))
        elif outcome.resolution in {"reconciled", "confirmed"}:
            self.doubts.count((outcome.resolution,))

    def found_absent(self) -> None:
        """Count a doubt that was settled: there is no such customer."""
        self.doubts.count(("absent",))

    def dead_lettered(self, code: ReasonCode) -> None:
        """Count a dead letter that is published."""
        self.dead_letters.count((code.value,))

    def answered(self, status: str, seconds: float, trace_id: str | None = None) -> None:
        """Count and time a request to the API; `status` is the answer's, or NO_ANSWER or NOT_SENT."""
        self.statuses.count((status,), trace_id)
        self.request.take(seconds, trace_id)

    def logged_in(self, result: LoginResult) -> None:
        """Count a login that has ended."""
        self.logins.count((result,))

    def restored(self, seconds: float) -> None:
        """Time the reading of one partition's journal."""
        self.restore.take(seconds)

    def expired_unread(self, partition: int, count: int) -> None:
        """Count offsets of the partition that were deleted before they were read."""
        labels = (str(partition),)
        self.expired.counts[labels] = self.expired.counts.get(labels, 0) + count

    def commit_failed(self) -> None:
        """Count a commit that the group did not store; the next commit holds its offsets too."""
        self.commit_failures.count(())

    def crashed(self) -> None:
        """Count a record that an unexpected error of the worker stopped; the record is taken up again."""
        self.crashes.count(())
