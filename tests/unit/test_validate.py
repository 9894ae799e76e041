"""The command `validate`: what it makes of files, on a terminal, in a pipe and as JSON."""

import io
import json
from pathlib import Path

import orjson
import pytest
from builders import seed, structured
from rich.console import Console
from typer.testing import CliRunner

from worker.cli import app, main
from worker.events.confirmation import encode_confirmation
from worker.events.decode import Decoder
from worker.model.commands import ConfirmCustomer, PassOver, Request
from worker.tools.validate import Verdict, report, verdicts

SMALL = b'{"type": "individual", "contactPersons": [{"firstName": "Jack"}]}'
WRONG = b'{"type": "individual"}'
EVENT = structured(orjson.loads(SMALL)).value or b""
CONFIRMS = encode_confirmation(ConfirmCustomer(Request("urn:crm", "e-1"), "2801", "individual"))

FILES = {
    "one line": (SMALL, [(1, True)]),
    "NDJSON": (SMALL + b"\n\n" + WRONG + b"\n{\n" + EVENT + b"\n", [(1, True), (3, False), (4, False), (5, True)]),
    "indented JSON": (b"\n" + seed("individual-all.json"), [(2, True)]),
    "XML": (seed("individual-all.xml"), [(1, True)]),
    "a confirmation": (CONFIRMS, [(1, True)]),
    "no JSON": (b"hello\nworld\n", [(1, False)]),
    "empty": (b" \n", []),
}


def lines(content: bytes, *, as_json: bool = True, terminal: bool = False) -> tuple[int, str]:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200)
    code = report(verdicts(io.BytesIO(content), Decoder()), console, as_json=as_json)
    return code, console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above


@pytest.mark.parametrize(("content", "expected"), FILES.values(), ids=FILES.keys())
def test_files(content: bytes, expected: list[tuple[int, bool]]) -> None:
    """Each event is named by the line that it begins at; 0 only when there were events and all are valid."""
    code, text = lines(content)
    told = [orjson.loads(line) for line in text.splitlines()]
    assert [(each["line"], each["valid"]) for each in told] == expected
    assert code == int(not expected or not all(valid for _, valid in expected))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_value_of_exactly_the_allowed_size(end: bytes) -> None:
    """It is valid here, too: the end of its line is none of its bytes."""
    [verdict] = verdicts(io.BytesIO(SMALL.rstrip() + end), Decoder(max_bytes=len(SMALL.rstrip())))
    assert verdict.valid


def test_json_lines() -> None:
    """What would be sent, or what is wrong."""
    _, text = lines(SMALL + b"\n" + WRONG + b"\n{")
    good, wrong, broken = [orjson.loads(line) for line in text.splitlines()]
    assert good == {
        "line": 1,
        "valid": True,
        "violations": [],
        "request": orjson.loads(seed("individual-required.json")),
    }
    assert wrong["violations"] == [{"path": "contactPersons.contactPerson", "rule": "required"}]
    assert wrong["reason"]["code"] == "invalid_customer"
    assert (broken["violations"], broken["reason"]["code"]) == ([], "undecodable")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (b'{\r\n\t"a b": [1,\n\t\t 12345678901234567890123, 1.50],\n  "c": "\\n\\t \xe2\x80\xa8"\n}', None),
        (b'"a"', "a"),
        (b"no\n\tJSON", "no\n\tJSON"),
        (b"\xff", "\ufffd"),
    ],
)
def test_what_was_mapped(given: bytes, shown: str | None) -> None:
    """It stands in the one line of its event, however it was laid out, each value as it was written."""
    console = Console(file=io.StringIO())
    report([Verdict(1, PassOver(Request("s", "1"), "skip"), given)], console, as_json=True)
    written = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    (line,) = written.splitlines()
    assert json.loads(line)["input"] == (json.loads(given) if shown is None else shown)
    assert shown is not None or "12345678901234567890123, 1.50]" in line


def test_xml_request() -> None:
    """Where the API gets XML, `request` is that XML as a text."""
    [verdict] = verdicts(io.BytesIO(SMALL), Decoder(form="xml"))
    assert orjson.loads(verdict.as_json())["request"].startswith("<customer xmlns=")


def test_plain_lines() -> None:
    """In a pipe there is one line per violation."""
    wrong = b'{"type": "group", "pin": "' + b"x" * 256 + b'", "role": "x"}'
    assert lines(wrong, as_json=False) == (
        1,
        "line 1: type.group.type.value required\n"
        "line 1: pin max_length 255\n"
        "line 1: role.value allowed_values Partner, Reseller, Customer\n"
        "line 1: customerName required\n"
        "1 event, 1 invalid\n",
    )


def test_terminal() -> None:
    """On a terminal there is a table, in which no foreign name is markup."""
    _, text = lines(b'{"type": "individual", "[red]x[/red]": 1}', as_json=False, terminal=True)
    assert "┃" in text
    assert "[red]x[/red]" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 0), (["--json"], 0), (["--catalog", "good.toml"], 1), (["--catalog", "bad.toml"], 2), (["--nonsense"], 2)],
)
def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int) -> None:
    """0 all valid, 1 otherwise, 2 wrong usage or a catalog that cannot be read."""
    monkeypatch.chdir(tmp_path)
    Path("events.xml").write_bytes(seed("individual-all.xml"))
    Path("good.toml").write_text('levels = ["Gold"]')
    Path("bad.toml").write_text("levels = 5")
    monkeypatch.setattr("sys.argv", ["customer-worker", "validate", "events.xml", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0) == code


def test_stdin() -> None:
    """`-` is standard input."""
    ended = CliRunner().invoke(app, ["validate", "--json", "-"], input=SMALL)
    assert (ended.exit_code, orjson.loads(ended.stdout)["valid"]) == (0, True)


def test_a_confirmation() -> None:
    """Nothing would be sent; it says which customer is confirmed."""
    _, text = lines(CONFIRMS)
    assert orjson.loads(text) == {"line": 1, "valid": True, "violations": [], "confirms": "2801"}
    assert "confirms customer 2801" in lines(CONFIRMS, as_json=False)[1]
