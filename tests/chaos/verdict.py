"""The verdict on a seed: one finding for each thing that must not be; pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chaos import doubts, endings, executions, letters, order, taken_back
from chaos.facts import Facts
from chaos.known import OF_A_CUSTOMER, UNKNOWN, Known
from finding import Finding


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures, and what is wrong."""

    records: int
    events: int
    executions: int
    unknown: int
    failed: int
    overlaps: int
    """Calls for a record while the one before it, of the same key, had its answer and no terminal event yet."""
    findings: Sequence[Finding]

    def count(self, kind: str) -> int:
        """How many of that kind."""
        return sum(each.kind == kind for each in self.findings)


def behind(known: Known) -> Iterator[str]:
    """Every offset is committed."""
    for partition, end in known.facts.ends.items():
        if (committed := known.facts.committed.get(partition, 0)) != end:
            yield f"partition {partition} is committed up to {committed} of {end}"


def of_processes(known: Known) -> Iterator[str]:
    """Exit codes, and errors of ours in the logs."""
    yield from known.facts.problems


CHECKS: tuple[tuple[str, Callable[[Known], Iterator[str]]], ...] = (
    ("duplicate", executions.duplicates),
    ("lost", endings.lost),
    ("disorder", order.early),
    ("disorder", order.unsafe),
    ("disorder", order.late),
    ("ending", endings.wrong),
    ("ends", endings.several),
    ("customer", executions.misnamed),
    ("denied", executions.denied),
    ("doubt", doubts.unjustified),
    ("dead letter", letters.wrong),
    ("taken back", taken_back.done),
    ("expired", taken_back.unsaid),
    ("word", taken_back.unheeded),
    ("offsets", behind),
    ("process", of_processes),
)


def judged(facts: Facts) -> Verdict:
    """Every check of every record."""
    known = Known.of(facts)
    ends = [events[0].ending for events in known.told.values()]
    return Verdict(
        records=len(facts.asked),
        events=len({each.item.event for each in facts.asked}),
        executions=len(facts.executions),
        unknown=ends.count(UNKNOWN),
        failed=sum(each not in OF_A_CUSTOMER for each in ends),
        overlaps=order.overlaps(known),
        findings=[Finding(kind, line) for kind, check in CHECKS for line in check(known)],
    )
