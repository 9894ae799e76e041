"""A rehearsal's result for a person."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.counting import counted, thousands, which
from worker.terminal.text import plain
from worker.tools.rehearsal.counts import End, Ends, Fault
from worker.tools.rehearsal.rehearsed import Rehearsed
from worker.tools.rehearsal.remarks import duration
from worker.tools.rehearsal.report import day_of, days, pairs_of, rows_of, time_of

SHOWN = 10
MOST = 100
BOUND_BY = {"api": "the calls in flight", "keys": "the hottest key", "rate": "WORKER_DISPATCH__MAX_RATE"}
TEXTS: Final[dict[End, tuple[str, str]]] = {
    "create": ("would be created", "would be created"),
    "repeats": ("is a repeat, and is not sent", "are repeats, and are not sent"),
    "confirm": ("confirms a customer, and is not sent", "confirm a customer, and are not sent"),
    "passed_over": ("is passed over by the mapping", "are passed over by the mapping"),
    "fail": ("would fail, as a dead letter", "would fail, as dead letters"),
}
"""The words for one record, and for many."""
COLUMNS: Final[dict[End, str]] = {end: end.replace("_", " ") for end in TEXTS}
ALWAYS: Final[tuple[End, ...]] = ("create", "fail")
MIB = 1024 * 1024


def show(found: Rehearsed, remarks: Iterable[tuple[str, str]], console: Console) -> None:
    """Print what was read, what would become of it and why, what to look at, and the verdict."""
    for line in (*_read(found), "", *_ends(found.tally.ends), "", *_facts(found)):
        console.print(Text(line), soft_wrap=True)
    for made in _tables(found):
        console.print(made)
    for _, text in remarks:
        console.print(Text(f"look at: {text}", "yellow"), soft_wrap=True)
    failing = f"{_percent(found.tally.ends.failing)} would fail, {counted(found.tolerate, '% is', '% are')} tolerated"
    if found.tally.unreadable.batches:
        failing += ", and not everything can be read"
    console.print(Text(failing, "green" if found.holds else "red"), soft_wrap=True)


def _read(found: Rehearsed) -> Iterator[str]:
    tally, offsets = found.tally, found.offsets
    some = "" if found.whole else f", {_percent(100 * found.passed / offsets)} of the offsets asked for"
    partitions = counted(len(found.parts), "partition")
    yield f"{found.topic}: {_counted(tally.ends.records, 'record')} of {partitions}{some}"
    if tally.first_time is not None and tally.last_time is not None:
        yield f"written from {time_of(tally.first_time / 1000)} to {time_of(tally.last_time / 1000)}"
    begins = found.beginning
    takes = f"{_count(begins.offsets)} at most" if begins.records is None else _count(begins.records)
    yield f"a first start takes {takes} (WORKER_KAFKA__START={begins.setting})"


def _ends(ends: Ends) -> Iterator[str]:
    for end, texts in TEXTS.items():
        if (count := ends.counts[end]) or end in ALWAYS:
            yield f"{_count(count):>12}  {which(count, *texts)}"


def _facts(found: Rehearsed) -> Iterator[str]:
    keys, sizes, ended = found.tally.keys, found.tally.sizes, found.tally.transactions
    hottest = "".join(
        f"; the hottest has {_counted(each.records, 'record')}, the first at {each.first}"
        for each in keys.hottest()[:1]
    )
    yield f"keys: {_count(keys.distinct)}{hottest}; {_counted(keys.keyless, 'record')} without one"
    if sizes.records:
        yield (
            f"values: half up to {_counted(sizes.of(0.5), 'byte')}, 99 % up to {_count(sizes.of(0.99))}, "
            f"the largest {_count(sizes.largest)} at {sizes.largest_at}"
        )
    yield (
        f"transactions: {_count(ended.committed)} committed, {_count(ended.aborted)} aborted "
        f"with {_counted(ended.taken_back, 'record')}, {len(found.opened)} open"
    )
    yield from _later(found)


def _later(found: Rehearsed) -> Iterator[str]:
    told, pace = found.work_off, found.pace
    proportion = "" if found.whole else ", in proportion to what was read"
    yield (
        f"to work it off: {duration(told.seconds)} at least{proportion}, bound by {BOUND_BY[told.bound_by]} "
        f"({pace.in_flight} in flight at {pace.latency:g} s: {duration(told.api)}; "
        f"the hottest key alone: {duration(told.keys)})"
    )
    if found.kept.enabled:
        yield f"the journal: up to {found.journal_bytes / MIB:.1f} MiB of memory, over all workers"


def _tables(found: Rehearsed) -> Iterator[Table]:
    tally = found.tally
    faults: tuple[tuple[str, tuple[str, ...], Sequence[tuple[tuple[str, ...], Fault]]], ...] = (
        ("broken rules", ("path", "rule"), list(pairs_of(tally.rules))),
        ("other failures", ("reason", "cause"), list(pairs_of(tally.causes))),
        ("passed over by the mapping", ("rule",), [((rule,), row) for rule, row in rows_of(tally.passes)]),
    )
    yield from (_faults(title, names, rows) for title, names, rows in faults if rows)
    for title, rows in (
        ("by event type", list(rows_of(tally.types))),
        ("by producer (source)", list(rows_of(tally.sources))),
        ("by day", [(day_of(day), row) for day, row in days(tally.days)]),
    ):
        if rows:
            yield _breakdown(title, rows)


def _faults(title: str, names: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], Fault]]) -> Table:
    table = _table(title, (*names, "records", "first", "producers"), right={"records"}, rows=len(rows))
    for named, row in rows[:SHOWN]:
        sources = sorted(row.sources.items(), key=lambda each: -each[1])[:3]
        told = ", ".join(f"{_short(name)} {_count(count)}" for name, count in sources)
        table.add_row(*map(Text, (*map(_short, named), _count(row.records), str(row.first or ""), told)))
    return table


def _breakdown(title: str, rows: list[tuple[str, Ends]]) -> Table:
    """A table of counts by name, with columns only for ends that occur."""
    ends = [end for end in TEXTS if any(row.counts[end] for _, row in rows)]
    columns = ("records", *(COLUMNS[end] for end in ends), "% failing")
    table = _table(title, ("", *columns), right=set(columns), rows=len(rows))
    for name, row in rows[:SHOWN]:
        counts = map(_count, (row.records, *(row.counts[end] for end in ends)))
        table.add_row(*map(Text, (_short(name), *counts, f"{row.failing:.1f}" if row.failing else "")))
    return table


def _table(title: str, columns: tuple[str, ...], right: set[str], rows: int) -> Table:
    more = f"and {_count(rows - SHOWN)} more: --json" if rows > SHOWN else None
    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", caption=more, caption_justify="left")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def _short(text: str) -> str:
    return plain(text if len(text) <= MOST else f"{text[: MOST - 1]}…")


def _count(number: int) -> str:
    return thousands(number, " ")


def _counted(number: int, one: str) -> str:
    return counted(number, one, gap=" ")


def _percent(share: float) -> str:
    return f"{share:.3g} %" if share < 100 else "100 %"
