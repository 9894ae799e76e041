"""`validate`: checks events of a file against the rules; nothing is sent anywhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, assert_never

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.counting import counted
from worker.customer.catalog import Catalog, load_catalog
from worker.events.decode import Decoder
from worker.events.letter_headers import violations
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.outcomes import Reason, ReasonCode, Violation
from worker.model.records import Record
from worker.terminal.text import escaped, plain
from worker.tools.reading.event_file import is_json
from worker.tools.reading.record_file import read_record


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the worker would make of the event that begins at that line."""

    line: int
    decoded: Command
    given: bytes | None = None
    """What the event was mapped from; None without a mapping."""

    @property
    def valid(self) -> bool:
        """Whether the worker can do what the event asks for."""
        return not isinstance(self.decoded, Unusable)

    def as_json(self) -> str:
        """The verdict as a line of JSON (docs: start, what validate prints); `reason` is there for an invalid event."""
        told = {"line": self.line, "valid": self.valid, "violations": []} | self._mapped() | self._told()
        return orjson.dumps(told).decode()

    def _mapped(self) -> dict[str, Any]:
        if self.given is None:
            return {}
        asked = self.decoded.request
        names = {"source": asked.source, "id": asked.id, "subject": asked.subject}
        return {"input": _in_one_line(self.given), "event": names}

    def _told(self) -> dict[str, Any]:
        match self.decoded:
            case CreateCustomer(body=body):
                return {"request": body.decode() if body.startswith(b"<") else orjson.Fragment(body)}
            case ConfirmCustomer(customer_id=confirmed):
                return {"confirms": confirmed}
            case PassOver(rule=rule):
                return {"passedOver": rule}
            case Unusable(reason=reason):
                told = {"code": reason.code.value, "message": reason.message}
                return {"violations": violations(reason.violations), "reason": told}
            case other:
                assert_never(other)

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Rows for people: path, rule and what is allowed; before them what was mapped to what."""
        if self.given is not None:
            yield from self._way()
        match self.decoded:
            case CreateCustomer():
                yield "", "valid", ""
            case ConfirmCustomer(customer_id=confirmed):
                yield "", "valid", f"confirms customer {confirmed}"
            case PassOver(rule=rule):
                yield "", "passed over", rule
            case Unusable(reason=reason):
                yield from _broken(reason)
            case other:
                assert_never(other)

    def _way(self) -> Iterator[tuple[str, str, str]]:
        asked = self.decoded.request
        yield "input", "", (self.given or b"").decode(errors="replace").strip()
        yield "event", "", " ".join(filter(None, (asked.source, asked.id, asked.subject)))
        if isinstance(self.decoded, CreateCustomer):
            yield "request", "", self.decoded.body.decode()


def _in_one_line(given: bytes) -> orjson.Fragment | str:
    """JSON as it was given, without line ends and tabs, which mean nothing between values; anything else as text."""
    return orjson.Fragment(given.translate(None, b"\t\r\n")) if is_json(given) else given.decode(errors="replace")


def _broken(reason: Reason) -> Iterator[tuple[str, str, str]]:
    if not reason.violations:
        yield "", reason.code.value, reason.message
    for each in reason.violations:
        yield each.path or "(the whole event)", each.rule, _allowed(each)


def catalog_of(named: Path | None, configured: str | None) -> Catalog | None:
    """The catalog in the named file, or in that of the settings; None for a live one, which needs the API."""
    if named is not None:
        return load_catalog(named, "--catalog")
    return load_catalog(Path(configured)) if configured and configured != "live" else None


@dataclass(frozen=True, slots=True)
class Form:
    """What a file holds: bare values, or whole `records`; and the topic that they are from."""

    topic: str = "validate"
    records: bool = False
    mapped: bool = False


VALUES: Final = Form()


def verdicts(file: BinaryIO, decoder: Decoder, form: Form = VALUES) -> Iterator[Verdict]:
    """A verdict for each event: one JSON or XML document, or a JSON document a line if the first line is one."""
    for line, value in _events(file):
        try:
            record = read_record(value, line, form.topic) if form.records else _record(value, line, form.topic)
        except ValueError as error:
            yield Verdict(line, Unusable(Request(form.topic, str(line)), Reason(ReasonCode.UNDECODABLE, str(error))))
        else:
            yield Verdict(line, decoder(record), value.strip() if form.mapped else None)


def _record(value: bytes, line: int, topic: str) -> Record:
    return Record(topic, 0, line, 0, None, value.rstrip(b"\r\n"))


def report(found: Iterable[Verdict], console: Console, *, as_json: bool) -> int:
    """Print each verdict; 0 where there was an event and all were valid, else 1."""
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
        console.print(f"{counted(seen, 'event')}, {invalid} invalid", highlight=False)
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
    style = "yellow" if isinstance(verdict.decoded, PassOver) else "green" if verdict.valid else "red"
    for path, rule, allowed in verdict.lines():
        table.add_row(str(verdict.line), Text(path), Text(rule, style), Text(allowed))
