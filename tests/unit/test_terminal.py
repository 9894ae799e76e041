"""What somebody else wrote comes to a person's screen as text, and never acts on it."""

import ast
import io
from dataclasses import replace
from functools import partial
from pathlib import Path

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

import worker
from worker import logs
from worker.model.commands import PassOver, Request
from worker.model.outcomes import ReasonCode
from worker.terminal.screen import PlainConsole
from worker.terminal.text import document, escaped, lines, plain, say
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.listing import print_letters
from worker.tools.dead_letters.show import _text
from worker.tools.reading.place import Place
from worker.tools.validate import Verdict, report

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202egnp\u2066\x00\x7f\u2028end"
SHOWN = "\ufffd]0;owned\ufffd\ufffd[2J\ufffd31m\ufffd\ufffdgnp\ufffd\ufffd\ufffd\ufffdend"
WORKER = Path(worker.__file__).parent


def test_a_hostile_text():
    """What does not show as a character is replaced; so are ends of lines where there is to be but one."""
    assert plain(HOSTILE) == lines(HOSTILE) == SHOWN
    assert plain("a\tb\nc") == "a\ufffdb\ufffdc"
    assert lines("a\tb\nc") == "a\tb\nc"
    assert plain("Jürgen 漢字 😀") == "Jürgen 漢字 😀"


@given(
    st.recursive(
        st.text() | st.integers(-100, 100), lambda values: st.lists(values) | st.dictionaries(st.text(), values)
    )
)
def test_any_document(told):
    """It says the same, in one line that shows as it is."""
    try:
        orjson.dumps(told)
    except TypeError:  # half a character, which is no text
        return
    assert document(told).isprintable()
    assert orjson.loads(document(told)) == told
    indented = orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
    assert orjson.loads(escaped(indented)) == told


def test_what_is_said(capsys):
    """On either stream."""
    say(f"a\t{HOSTILE}\nb")
    say(HOSTILE, err=True)
    assert capsys.readouterr() == (f"a\t{SHOWN}\nb\n", f"{SHOWN}\n")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_table(terminal):
    """Colours are rich's own; the text in its cells has none."""
    console = PlainConsole(
        file=io.StringIO(), force_terminal=terminal, width=200, color_system="standard" if terminal else None
    )
    table = Table("event", header_style="bold")
    table.add_row(HOSTILE, style="red")
    console.print(table)
    console.print(HOSTILE)
    written = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert not set(written) & set("\x07\x9b\r\u202e\u2066\x00\x7f")
    assert ("\x1b[31m" in written) == terminal
    assert "\x1b]" not in written
    assert "\x1b[2J" not in written


MARKED = [
    "[/]",
    "\\[/]",
    "\\\\[/]",
    "[link=https://evil.example/x]click",
    "\\[bold red]x",
    ":smile:",
    "[red]x[/red]",
    "end\\",
]


@pytest.mark.parametrize("text", MARKED)
def test_a_text_that_would_be_markup(text, monkeypatch):
    """It shows as it stands there, in a list of dead letters and wherever else rich writes."""
    console = PlainConsole(
        file=io.StringIO(), force_terminal=True, width=200, color_system="truecolor", highlight=False
    )
    monkeypatch.setattr("worker.tools.dead_letters.listing.PlainConsole", lambda: console)
    table = Table("event", title=text, box=None)
    table.add_row(text)
    console.print(text)
    console.print(table)
    print_letters([Letter(Place(0, 1), 0, ReasonCode.REJECTED, event_id=text, message=text)], as_json=False)
    report([Verdict(1, PassOver(Request("s", "1"), text))], console, as_json=False)
    written = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert written.count(text) == 6
    assert "\x1b]" not in written


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_line_of_the_log(form):
    """An event's id is in each; the document still says what it was."""
    stream = io.StringIO()
    logs.configure("info", form, stream)
    structlog.get_logger().info("record.finished", event_id=HOSTILE)
    written = stream.getvalue()
    assert not set(written.rstrip("\n")) & set("\x07\x9b\r\u202e\u2066\x00\x7f\u2028")
    if form == "json":
        assert orjson.loads(written)["event_id"] == HOSTILE
    else:
        assert "\x1b]" not in written


def test_a_narrow_terminal(monkeypatch):
    """Places are whole on it: half of one is another letter's."""
    written = io.StringIO()
    narrow = partial(PlainConsole, file=written, force_terminal=True, width=80)
    monkeypatch.setattr("worker.tools.dead_letters.listing.PlainConsole", narrow)
    letter = replace(
        Letter(Place(5, 12_345_678), 0, ReasonCode.OUTCOME_UNKNOWN, request=Place(11, 23_456_789)),
        event_id="0b0c8a7e-7a0e-4f6f-9f1e-5a3d6e6d8d11",
        message="why not " * 10,
    )
    print_letters([letter], as_json=False)
    assert "5@12345678" in written.getvalue()
    assert "11@23456789" in written.getvalue()


def test_a_fact_that_looks_like_others():
    """Its further lines begin where values do."""
    told = {"partition": 0, "offset": 7, "eventId": "e\nreason       rejected", "request": None}
    assert _text(told).split("\n") == ["dead letter  0@7", "eventId      e", "             reason       rejected"]


def printing(tree: ast.Module):
    """Whatever could print by itself: calls of print and typer.echo, and rich's own console."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("print")) | ast.Attribute(ast.Name("typer"), "echo" | "secho"):
                yield node.lineno
            case ast.Call(func=ast.Name("Console")) | ast.Attribute(ast.Name("sys"), "stdout"):
                yield node.lineno
            case ast.Attribute(ast.Attribute(_, "file"), "write" | "writelines"):
                yield node.lineno
            case _:
                pass


def test_nobody_else_prints():
    """All commands say it by `worker.terminal.text` and `worker.terminal.screen`; a log's lines are documents."""
    found = {
        str(file.relative_to(WORKER)): list(printing(ast.parse(file.read_text()))) for file in WORKER.rglob("*.py")
    }
    assert {name for name, lines in found.items() if lines} == {"logs.py", "terminal/text.py"}
