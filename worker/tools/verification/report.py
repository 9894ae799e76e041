"""The result of `verify`, for people and machines."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from worker.counting import counted, which
from worker.terminal.text import plain
from worker.tools.reading.offset_set import OffsetSet

SHOWN = 20

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "no_terminal_event": ("request ended in neither topic", "requests ended in neither topic"),
    "two_terminal_events": (
        "request has a succeeded and a failed event",
        "requests have a succeeded and a failed event",
    ),
    "deleted_unread": (
        "offset was deleted before the group came to it",
        "offsets were deleted before the group came to them",
    ),
    "dead_letter_without_failed_event": (
        "request has a dead letter and no failed event",
        "requests have a dead letter and no failed event",
    ),
    "failed_event_without_dead_letter": (
        "failed event names a dead letter that is not its own or not there",
        "failed events name a dead letter that is not theirs or not there",
    ),
    "two_customers_for_one_event": ("event has more than one customer", "events have more than one customer"),
    "confirmed_another_customer": (
        "event was confirmed by a person with another customer than it has",
        "events were confirmed by a person with another customer than they have",
    ),
    "terminal_event_may_be_deleted": (
        "request without a terminal event is older than what is kept of those",
        "requests without a terminal event are older than what is kept of those",
    ),
    "before_the_start": (
        "request stands before the first one that has an end: the group began behind it (WORKER_KAFKA__START)",
        "requests stand before the first one that has an end: the group began behind them (WORKER_KAFKA__START)",
    ),
    "failed_event_may_be_deleted": (
        "dead letter without a failed event is older than what is kept of those",
        "dead letters without a failed event are older than what is kept of those",
    ),
    "dead_letter_deleted": (
        "failed event names a dead letter that is deleted",
        "failed events name a dead letter that is deleted",
    ),
    "dead_letters_beyond_room": (
        "failed event: too many dead letters to remember them all",
        "failed events: too many dead letters to remember them all",
    ),
    "events_beyond_room": (
        "succeeded event: too many events to remember them all",
        "succeeded events: too many events to remember them all",
    ),
}
"""The words for one, and for many."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of finding: how many, and where (at most `SHOWN`), as partition@offset or partition@first-last."""

    kind: str
    count: int
    places: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """The finding in words, for one or many."""
        return which(self.count, *TEXTS[self.kind])

    def as_dict(self) -> dict[str, Any]:
        """The finding for a machine."""
        return {"kind": self.kind, "count": self.count, "places": list(self.places)}

    def __str__(self) -> str:
        more = ", ..." if len(self.places) >= SHOWN else ""
        places = ", ".join(map(plain, self.places))
        return f"{self.count} {self.what}" + (f": {places}{more}" if places else "")


@dataclass(frozen=True, slots=True)
class Part:
    """A partition of the requests, judged from `first` up to `end`; `in_flight` offsets are not committed yet.

    The log begins at `begins`; the group has stored `committed`, 0 where it has stored nothing.
    """

    partition: int
    first: int
    end: int
    in_flight: int
    begins: int = 0
    committed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `verify`; what could not be judged is no failure, and is reported."""

    topic: str
    parts: tuple[Part, ...]
    succeeded: int
    failed: int
    findings: tuple[Finding, ...]
    not_judged: tuple[Finding, ...]
    foreign: Mapping[str, int] = field(default_factory=dict)
    passed_over: int = 0

    @property
    def holds(self) -> bool:
        """Whether there is no finding."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """The whole report as one document."""
        return {
            "holds": self.holds,
            "topic": self.topic,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "passedOver": self.passed_over,
            "partitions": [
                {"partition": each.partition, "first": each.first, "end": each.end, "inFlight": each.in_flight}
                for each in self.parts
            ],
            "findings": [each.as_dict() for each in self.findings],
            "notJudged": [each.as_dict() for each in self.not_judged],
            "foreign": dict(self.foreign),
        }

    def lines(self) -> Iterator[str]:
        """Lines of what was judged, what was not, what was found, and the verdict."""
        yield f"{self.topic}: {self.judged}"
        in_flight = sum(each.in_flight for each in self.parts)
        passed_over = f", {self.passed_over} passed over" if self.passed_over else ""
        waiting = counted(in_flight, "offset")
        yield f"{self.succeeded} succeeded, {self.failed} failed{passed_over}; {waiting} not committed yet"
        for topic, count in self.foreign.items():
            yield f"{topic}: {counted(count, 'record is', 'records are')} none of ours"
        for finding in self.not_judged:
            yield f"not judged: {finding}"
        for finding in self.findings:
            yield f"failed: {finding}"
        if self._may_be_unbegun():
            yield "if the group began behind the first of them, say where it did: WORKER_KAFKA__START, or --since"
        yield "it holds" if self.holds else "it does not hold"

    @property
    def judges(self) -> bool:
        """Whether anything was judged."""
        return any(each.first < each.end for each in self.parts)

    @property
    def judged(self) -> str:
        """The offsets that were judged, or why there were none."""
        if spans := [f"{each.partition}@{each.first}-{each.end - 1}" for each in self.parts if each.first < each.end]:
            return ", ".join(spans)
        if any(each.committed > each.begins for each in self.parts):
            return "nothing that is committed is in the range that was asked for"
        some = any(each.committed for each in self.parts)
        return "the log holds nothing that is committed" if some else "nothing is committed"

    def _may_be_unbegun(self) -> bool:
        """Whether the first request that is judged in a partition has no end."""
        first = {f"{each.partition}@{each.first}" for each in self.parts}
        gaps = (place for each in self.findings if each.kind == "no_terminal_event" for place in each.places)
        return any(place.partition("-")[0] in first for place in gaps)


def places(kind: str, parts: Mapping[int, OffsetSet]) -> Finding:
    """A finding about the places of these sets, by partition."""
    runs = ((number, *run) for number, bits in sorted(parts.items()) for run in bits.runs())
    return Finding(kind, sum(map(len, parts.values())), tuple(islice(runs_text(runs), SHOWN)))


def runs_text(runs: Iterable[tuple[int, int, int]]) -> Iterator[str]:
    """Runs (partition, first, end) as `0@5` or `0@5-9`, with the last offset included."""
    for partition, first, end in runs:
        yield f"{partition}@{first}" if end == first + 1 else f"{partition}@{first}-{end - 1}"
