"""The verdict as a table for people, and as a document for machines."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.counting import counted
from worker.model.records import Position
from worker.sandbox.demo.verdict import Row, Verdict

COLUMNS = ("event", "key", "outcome", "customer or reason", "attempts", "ended up in", "")
NAMED = 10


def show(verdict: Verdict, topics: str, console: Console) -> None:
    """Print a row per event, why events failed, the sum, and what is wrong; `topics` is the topics' common prefix."""
    console.print(table(verdict, topics))
    for line in explanations(verdict):
        console.print(Text(line), soft_wrap=True)
    for line in complaints(verdict):
        console.print(Text(line, "red"), soft_wrap=True)


def table(verdict: Verdict, topics: str) -> Table:
    """The table with a row per event; the topics are shown without their common prefix."""
    shown = Table(box=SIMPLE_HEAD, caption=f"the names of the topics begin with {topics}", caption_justify="left")
    for name in COLUMNS:
        shown.add_column(name, overflow="fold")
    for row in verdict.rows:
        mark = Text("✗", "bold red") if row.differences else Text("✓", "green")
        shown.add_row(row.sample.name, row.sample.key, *_cells(row, topics), mark)
    return shown


def _cells(row: Row, topics: str) -> Iterator[str | Text]:
    ending = row.ending
    if ending is None:
        yield from (Text("nothing came", "red"), "", "", "")
        return
    colour = "green" if ending.outcome == "succeeded" else "yellow"
    repeated = f" {ending.resolution}" if ending.resolution not in (None, "created") else ""
    yield Text(ending.outcome, colour)
    yield f"{ending.customer_id}{repeated}" if ending.customer_id else str(ending.reason)
    yield str(ending.attempts)
    yield _place(ending.place, topics)


def _place(place: Position, topics: str) -> str:
    return f"{place.topic.removeprefix(topics)}/{place.partition}@{place.offset}"


def explanations(verdict: Verdict) -> Iterator[str]:
    """Why events failed, with every broken rule, and how the further customers went."""
    for row in verdict.rows:
        if row.ending and row.ending.reason:
            yield f"{row.sample.name}: {row.ending.message}"
            yield from (f"  {_rule(each)}" for each in row.ending.violations)
    if verdict.more.asked:
        speed = f", {verdict.more.per_second:.0f} events/s" if verdict.more.per_second else ""
        yield f"{verdict.more.created} of {counted(verdict.more.asked, 'more customer')} created{speed}"


def _rule(violation: dict[str, Any]) -> str:
    allowed = f" ({', '.join(violation['allowed'])})" if violation.get("allowed") else ""
    limit = f" ({violation['limit']})" if "limit" in violation else ""
    return f"{violation['path']}: {violation['rule']}{limit}{allowed}"


def complaints(verdict: Verdict) -> Iterator[str]:
    """What differs from what must be, one line each."""
    for row in verdict.rows:
        yield from (f"✗ {row.sample.name}: {difference}" for difference in row.differences)
    wrong = [each for each in verdict.more.endings.values() if each.resolution != "created"]
    for ending in wrong[:NAMED]:
        yield f"✗ {ending.event_id}: {ending.reason or ending.resolution}"
    yield from (f"✗ {problem}" for problem in verdict.problems)


def document(verdict: Verdict, log: str | None) -> dict[str, Any]:
    """The verdict as a JSON document; `log` is where the worker's log stays, if it does."""
    more = verdict.more
    return {
        "holds": verdict.holds,
        "problems": verdict.problems,
        "events": [_event(row) for row in verdict.rows],
        "more": {"asked": more.asked, "created": more.created, "perSecond": more.per_second},
        "workerLog": log,
    }


def _event(row: Row) -> dict[str, Any]:
    ending = asdict(row.ending) if row.ending else {}
    return {
        "event": row.sample.name,
        "about": row.sample.about,
        "key": row.sample.key,
        "outcome": row.ending.outcome if row.ending else None,
        "customerId": ending.get("customer_id"),
        "resolution": ending.get("resolution"),
        "reason": ending.get("reason"),
        "message": ending.get("message"),
        "violations": ending.get("violations", ()),
        "attempts": ending.get("attempts"),
        "request": asdict(row.request),
        "endedUpIn": ending.get("place"),
        "customersCreated": row.customers,
        "asExpected": not row.differences,
        "differences": row.differences,
    }
