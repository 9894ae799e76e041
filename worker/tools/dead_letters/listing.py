"""How dead letters are printed: as a table on a terminal, else as one line or JSON document each."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from rich.table import Table

from worker.terminal.screen import PlainConsole
from worker.terminal.text import document, plain, say
from worker.tools.dead_letters.letters import Json, Letter
from worker.tools.journal.view import moment

WHOLE = {"letter", "request"}
"""What is typed again: half of a place is another place."""
COLUMNS = ("letter", "age", "reason", "http", "attempts", "replays", "request", "event", "why")


@dataclass(slots=True)
class Kind:
    """All letters of one reason."""

    count: int = 0
    oldest: int = 0
    newest: int = 0


@dataclass(slots=True)
class Summary:
    """Counts of letters by reason."""

    kinds: dict[str, Kind] = field(default_factory=dict)

    def add(self, letter: Letter) -> None:
        """Count this letter."""
        time_of = letter.timestamp
        kind = self.kinds.setdefault(letter.called, Kind(0, time_of, time_of))
        kind.count += 1
        kind.oldest, kind.newest = min(kind.oldest, time_of), max(kind.newest, time_of)

    def rows(self) -> list[Json]:
        """One row for each reason, the most frequent first."""
        ordered = sorted(self.kinds.items(), key=lambda each: (-each[1].count, each[0]))
        return [
            {"reason": name, "count": kind.count, "oldest": moment(kind.oldest), "newest": moment(kind.newest)}
            for name, kind in ordered
        ]


def print_summary(summary: Summary, *, as_json: bool) -> None:
    """Print one row for each reason."""
    rows = summary.rows()
    if as_json:
        _print_json(rows)
    else:
        _print_rows(("reason", "count", "oldest", "newest"), [[str(value) for value in row.values()] for row in rows])


def as_printed(*, as_json: bool) -> Callable[[Letter], Letter]:
    """Makes letters without what is not printed: the broken rules, which are the most of many."""
    return lambda letter: letter if as_json else replace(letter, violations=())


def print_letters(letters: Sequence[Letter], *, as_json: bool) -> None:
    """Print one row for each letter, in the order given."""
    if as_json:
        _print_json(letter.as_dict() for letter in letters)
    else:
        now = time.time() * 1000
        _print_rows(COLUMNS, [_row(letter, now) for letter in letters])


def _row(letter: Letter, now: float) -> list[str]:
    http = " ".join(str(each) for each in (letter.status, letter.error_code) if each is not None)
    why = letter.message if letter.reason else " ".join(filter(None, (letter.tool or "no headers", letter.kind)))
    why = f"its customer may exist; {why}" if letter.doubted else why
    why = f"resolved as {letter.resolved}; {why}" if letter.resolved else why
    numbers = [str(letter.attempts) if letter.attempts is not None else "", str(letter.replays)]
    place = [str(letter.place), age((now - letter.timestamp) / 1000), letter.called, http]
    return [*place, *numbers, str(letter.request or ""), letter.event_id or "", why or ""]


def age(seconds: float) -> str:
    """An age as `--since` takes it, in the largest unit that it fills."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows; ids and messages are others' text, so that control characters and line ends are removed."""
    console = PlainConsole()
    if not console.is_terminal:
        for row in rows:
            say("\t".join(plain(cell) or "-" for cell in row))
        return
    table = Table(box=None, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in WHOLE)
    for row in rows:
        table.add_row(*map(plain, row))
    console.print(table)


def _print_json(rows: Iterable[Json]) -> None:
    for row in rows:
        say(document(row))
