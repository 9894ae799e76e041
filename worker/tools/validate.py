"""Events from a file against the model, without sending anything anywhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, assert_never

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from worker.customer.catalog import Catalog, load_catalog
from worker.events.decode import Decoder
from worker.events.letter_headers import violations
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, Unusable
from worker.model.outcomes import Violation
from worker.model.records import Record
from worker.terminal.text import escaped, plain
from worker.tools.reading.event_file import is_json


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the worker would make of the event that begins at that line."""

    line: int
    decoded: Command

    @property
    def valid(self) -> bool:
        """Whether the worker can do what it asks for."""
        return not isinstance(self.decoded, Unusable)

    def as_json(self) -> str:
        """One line of JSON (docs: start, what validate prints); `reason` stands there where the event is not valid."""
        return orjson.dumps({"line": self.line, "valid": self.valid, "violations": []} | self._told()).decode()

    def _told(self) -> dict[str, Any]:
        match self.decoded:
            case CreateCustomer(body=body):
                return {"request": body.decode() if body.startswith(b"<") else orjson.Fragment(body)}
            case ConfirmCustomer(customer_id=confirmed):
                return {"confirms": confirmed}
            case Unusable(reason=reason):
                told = {"code": reason.code.value, "message": reason.message}
                return {"violations": violations(reason.violations), "reason": told}
            case other:
                assert_never(other)

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Path, rule and what is allowed; for people."""
        if isinstance(self.decoded, CreateCustomer):
            yield "", "valid", ""
            return
        if isinstance(self.decoded, ConfirmCustomer):
            yield "", "valid", f"confirms customer {self.decoded.customer_id}"
            return
        reason = self.decoded.reason
        if not reason.violations:
            yield "", reason.code.value, reason.message
        for each in reason.violations:
            yield each.path or "(the whole event)", each.rule, _allowed(each)


def catalog_of(named: Path | None, configured: str | None) -> Catalog | None:
    """The catalog file named here or in the settings; a live one cannot be asked without the API."""
    if named is not None:
        return load_catalog(named)
    return load_catalog(Path(configured)) if configured and configured != "live" else None


def verdicts(file: BinaryIO, decoder: Decoder) -> Iterator[Verdict]:
    """One for each event: a JSON or XML document, or one JSON document a line when the first line is one."""
    for line, value in _events(file):
        yield Verdict(line, decoder(Record("validate", 0, line, 0, None, value)))


def report(found: Iterable[Verdict], console: Console, *, as_json: bool) -> int:
    """Print each verdict; 0 when there was an event and all were valid, else 1."""
    seen = invalid = 0
    table = _table() if console.is_terminal and not as_json else None
    for verdict in found:
        seen, invalid = seen + 1, invalid + (not verdict.valid)
        if as_json:
            console.out(escaped(verdict.as_json()), highlight=False)
        elif table is not None:
            _add(table, verdict)
        else:
            for each in verdict.lines():
                console.out(f"line {verdict.line}: {plain(' '.join(filter(None, each)))}", highlight=False)
    if table is not None:
        console.print(table)
    if not as_json:
        console.print(f"{seen} event{'' if seen == 1 else 's'}, {invalid} invalid", highlight=False)
    return 0 if seen and not invalid else 1


def _events(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
    for number, line in lines:
        if not is_json(line):
            yield number, line + b"".join(rest for _, rest in lines)
            return
        yield number, line
        yield from lines


def _allowed(violation: Violation) -> str:
    if violation.limit is not None:
        return str(violation.limit)
    return ", ".join(violation.allowed or ())


def _table() -> Table:
    table = Table("line", "path", "rule", "limit or allowed", header_style="bold")
    table.columns[0].justify = "right"
    table.columns[1].overflow = "fold"
    return table


def _add(table: Table, verdict: Verdict) -> None:
    style = "green" if verdict.valid else "red"
    for path, rule, allowed in verdict.lines():
        table.add_row(str(verdict.line), escape(path), f"[{style}]{rule}[/]", escape(allowed))
