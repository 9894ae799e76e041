"""Judges whether everything ended as it must, event by event and in the sandbox's ledger."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from worker.counting import counted
from worker.model.records import Position
from worker.sandbox.api import CallLine, Ledger
from worker.sandbox.demo.endings import Ending
from worker.sandbox.demo.samples import Sample


@dataclass(frozen=True, slots=True)
class Row:
    """One event, how it ended, and where that differs from what its sample says."""

    sample: Sample
    request: Position
    ending: Ending | None
    customers: tuple[str, ...]
    differences: tuple[str, ...]


@dataclass(slots=True)
class Posts:
    """Counts the create calls that reached the sandbox, but for those refused because their session had expired."""

    seen: int = 0

    def __call__(self, line: CallLine) -> None:
        if line.method == "POST" and line.path.endswith("/interaction/customer") and line.status != 401:
            self.seen += 1


@dataclass(frozen=True, slots=True)
class More:
    """The further customers: how many were asked for, how each ended, and the events per second."""

    asked: int = 0
    endings: dict[str, Ending] = field(default_factory=dict)
    per_second: float | None = None

    @property
    def created(self) -> int:
        """How many of them were created, at whichever attempt."""
        return sum(each.resolution == "created" for each in self.endings.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rows of all events, and what is wrong with the whole."""

    rows: tuple[Row, ...]
    more: More
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every event, and the whole, is as it must be."""
        return not self.problems and not any(row.differences for row in self.rows)


def created_for(ledger: Ledger) -> Mapping[str, tuple[str, ...]]:
    """The ids of the customers that were created, for each identity."""
    created: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for entry in ledger.entries():
        if entry.customer_id is not None:
            created[entry.identity] += (str(entry.customer_id),)
    return created


def row(sample: Sample, request: Position, ending: Ending | None, customers: tuple[str, ...]) -> Row:
    """Judge one event; `customers` are the ids of those that the sandbox created for it."""
    return Row(sample, request, ending, customers, tuple(_differences(sample, ending, customers)))


def _differences(sample: Sample, ending: Ending | None, customers: tuple[str, ...]) -> Iterator[str]:
    expected = sample.ends
    if len(customers) != expected.customers:
        yield f"the API created {counted(len(customers), 'customer')}, not {expected.customers}"
    if ending is None:
        yield "no result event came"
        return
    pairs = {
        "outcome": (ending.outcome, expected.outcome),
        "reason": (ending.reason, expected.reason),
        "resolution": (ending.resolution, expected.resolution),
        "attempts": (ending.attempts, expected.attempts),
        "broken rules": (ending.broken_rules, expected.violations),
    }
    yield from (
        f"{name} {_said(found)}, not {_said(wanted)}" for name, (found, wanted) in pairs.items() if found != wanted
    )
    if ending.customer_id is not None and customers and ending.customer_id not in customers:
        yield f"customer {ending.customer_id} is told, the API created {', '.join(customers)}"


def _said(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, tuple) and value else str(value or "none")


def whole(rows: Sequence[Row], more: More, ledger: Ledger, posts: Posts) -> Iterator[str]:
    """What is wrong with the totals; they are compared only once everything has ended."""
    if more.created != more.asked:
        yield f"the API created {more.created} of {counted(more.asked, 'further customer')}"
    ended = [each.ending for each in rows if each.ending] + list(more.endings.values())
    if len(ended) < len(rows) + more.asked:
        return
    if ledger.duplicates:
        yield f"the API created {counted(len(ledger.duplicates), 'customer')} more than once"
    wanted = more.asked + sum({row.sample.identity: row.sample.ends.customers for row in rows}.values())
    if ledger.created != wanted:
        yield f"the API created {counted(ledger.created, 'customer')}, not {wanted}"
    told = sum(each.attempts for each in ended if each.resolution != "already_created")
    if posts.seen != told:
        yield f"the API saw {counted(posts.seen, 'POST')}, the result events tell of {counted(told, 'attempt')}"
