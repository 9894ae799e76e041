"""Somebody else's events: what the documented mappings make of them, and what a mapping may and may not do."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from builders import SMALL_CUSTOMER, binary, record, structured
from documented_mappings import Documented, documented
from typer.testing import CliRunner

from worker.cli import app, main
from worker.events.confirmation import encode_confirmation
from worker.events.decode import Decoder
from worker.events.mapping import load_mapping
from worker.events.results import Results
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import SettingsError
from worker.model.outcomes import Failed
from worker.model.records import Record

RULES = """
[[rules]]
when = "value.kind == 'other'"
then = "pass_over"
say = "not ours"

[[rules]]
when = "value.kind == 'old'"
then = "unsupported_event"
say = "too old"
"""
EVENT = """
[event]
source = "value.source"
id = "value.id"
subject = "value.subject"
customer = "value.customer"
"""
BARE = """
[event]
customer = "value"
"""
SECRET = "s3cret@example.com"
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
RESULTS = Results("crm", "ok", "failed", "dead", "group")

Decode = Callable[..., Command]


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def written(text: str) -> Path:
        (tmp_path / "mapping.toml").write_text(text)
        return tmp_path / "mapping.toml"

    return written


@pytest.fixture
def decode(file: Callable[[str], Path]) -> Decode:
    def decoded(value: object, *headers: tuple[str, bytes | None], by: str = RULES + EVENT) -> Command:
        got = value if isinstance(value, Record) else record(orjson.dumps(value), *headers)
        return Decoder(mapping=load_mapping(file(by)))(got)

    return decoded


def event(**more: object) -> dict[str, object]:
    return {"source": "urn:shop", "id": "17", "subject": "c-17", "customer": SMALL_CUSTOMER, **more}


def refused(asked: Command) -> tuple[str, str]:
    assert isinstance(asked, Unusable)
    return asked.reason.code.value, asked.reason.message


@pytest.mark.parametrize("example", documented(), ids=lambda example: example.name)
def test_what_is_documented(example: Documented, file: Callable[[str], Path]) -> None:
    """Each file is one that the worker takes, and `validate` prints for its events what stands there."""
    how = ["--records"] if example.of_records else []
    given = "".join(f"{each}\n" for each in example.events)
    done = CliRunner().invoke(app, ["validate", "--mapping", str(file(example.file)), *how, "-"], input=given)
    assert done.output == example.printed
    assert "valid\n" in done.output


def test_seven_are_documented() -> None:
    """None was lost to a typing error."""
    assert len(documented()) == 7


def test_who_asks(decode: Decode) -> None:
    """The event's own source, id and subject, where the mapping tells them."""
    assert decode(event()).request == Request("urn:shop", "17", "c-17")
    assert decode(event(id=2**62, subject=None)).request == Request("urn:shop", str(2**62), None)


def test_an_event_of_which_the_mapping_tells_no_identity(decode: Decode) -> None:
    """It is known by its place, and so is one that is passed over or refused."""
    by_place = Request("urn:kafka:requests", "3-7")
    assert decode(SMALL_CUSTOMER, by=BARE).request == by_place
    assert decode(event(kind="other")) == PassOver(by_place, "not ours")
    assert decode(event(kind="old")).request == by_place


@pytest.mark.parametrize("key", ["source", "id", "subject"])
@pytest.mark.parametrize("bad", ["", "x" * 1025, True, 1.5, ["17"], {}])
def test_a_name_that_is_none(decode: Decode, key: str, bad: object) -> None:
    """Too long, empty or no text: undecodable, at the place in the file."""
    code, why = refused(decode(event(**{key: bad}), by=EVENT))
    assert code == "undecodable"
    assert why.startswith(f"mapping, line {('source', 'id', 'subject').index(key) + 3} column ")
    assert f"event.{key}: " in why


@pytest.mark.parametrize("key", ["source", "id"])
def test_an_identity_that_is_not_there(decode: Decode, key: str) -> None:
    """Half of one would make a repeat another event."""
    assert "is null, not a text" in refused(decode(event(**{key: None})))[1]


def test_forms_that_a_person_may_write(decode: Decode) -> None:
    """Numbers, booleans, bare lists and nulls become the API's form, as in an event written by hand."""
    person = {"firstName": "Jack", "lastName": None, "dependents": 4, "isSmoker": False}
    asked = decode(event(customer={"type": "individual", "pin": 121, "level": None, "contactPersons": [None, person]}))
    assert isinstance(asked, CreateCustomer)
    assert orjson.loads(asked.body) == {
        "type": {"value": "individual"},
        "pin": "121",
        "contactPersons": {"contactPerson": [{"firstName": "Jack", "dependents": "4", "isSmoker": "false"}]},
    }


def test_rules_that_are_broken(decode: Decode) -> None:
    """A customer that is none is invalid as everywhere, under its own identity."""
    asked = decode(event(customer={"type": "individual"}))
    assert isinstance(asked, Unusable)
    assert (asked.reason.code, asked.request.id) == ("invalid_customer", "17")
    assert [each.path for each in asked.reason.violations] == ["contactPersons.contactPerson"]


@pytest.mark.parametrize("customer", [None, "x", 1, [], [SMALL_CUSTOMER]])
def test_no_customer(decode: Decode, customer: object) -> None:
    """Undecodable, and its identity holds all the same."""
    asked = decode(event(customer=customer))
    assert refused(asked)[0] == "undecodable"
    assert asked.request.id == "17"


def test_words_of_the_file(decode: Decode) -> None:
    """Rules are tried in their order, and tell what the file says."""
    assert refused(decode(event(kind="old"))) == ("unsupported_event", "mapping: too old")
    assert isinstance(decode(event(kind="new")), CreateCustomer)


NULL = """
[[rules]]
when = "value == `null`"
then = "pass_over"
say = "a tombstone"
"""


def test_a_record_without_a_value(decode: Decode) -> None:
    """A rule may say what it means; else it is undecodable."""
    assert decode(record(None), by=NULL + EVENT) == PassOver(Request("urn:kafka:requests", "3-7"), "a tombstone")
    assert refused(decode(record(None)))[0] == "undecodable"


@pytest.mark.parametrize("raw", [b"", b"{", b"<customer/>", b"\xff", b"[" * 40 + b"]" * 40, b'{"a":1,"a":2}'])
def test_a_value_that_is_no_json(decode: Decode, raw: bytes) -> None:
    """The limits of a value are those of any event."""
    assert refused(decode(record(raw)))[0] == "undecodable"


BEFORE = (
    """
[[rules]]
when = "headers.kind != 'ours'"
then = "pass_over"
say = "not ours"

[[rules]]
when = "value.old"
then = "unsupported_event"
say = "too old"
"""
    + EVENT
)


def test_rules_that_do_not_look_at_the_value(decode: Decode) -> None:
    """Those before the first one that does decide of any bytes; behind it the value has to be JSON."""
    for raw in (b"\xff", b"", None):
        assert isinstance(decode(record(raw, ("kind", b"theirs")), by=BEFORE), PassOver)
    assert refused(decode(record(b"\xff", ("kind", b"ours")), by=BEFORE))[0] == "undecodable"
    late = BEFORE.replace("headers.kind", "KIND").replace("value.old", "headers.kind != 'ours'")
    assert (
        refused(decode(record(b"\xff", ("kind", b"theirs")), by=late.replace("KIND", "value.kind")))[0] == "undecodable"
    )
    whole = BEFORE.replace("headers.kind != 'ours'", "values(@)[?@ == `1`]")
    assert refused(decode(record(b"\xff", ("kind", b"theirs")), by=whole))[0] == "undecodable"


SEES = """
[event]
customer = "{type: 'individual', contactPersons: [{firstName: topic, lastName: key, jobTitle: headers.Kind}]}"
"""


def test_what_else_an_expression_sees(decode: Decode) -> None:
    """Topic, key, and headers by their own names; bytes that are no text are null."""
    got = record(b"{}", ("Kind", b"first"), ("Kind", b"last"), ("other", b"\xfe"))
    asked = decode(got, by=SEES)
    assert isinstance(asked, CreateCustomer)
    [person] = orjson.loads(asked.body)["contactPersons"]["contactPerson"]
    assert person == {"firstName": "requests", "lastName": "key", "jobTitle": "last"}


def test_traces(decode: Decode) -> None:
    """Of the headers, of a binary CloudEvent and of a structured one, whatever its type."""
    for got in (
        record(orjson.dumps(event()), ("traceparent", TRACE.encode())),
        binary(orjson.dumps(event()), type="other", traceparent=TRACE),
        record(orjson.dumps(event(specversion="1.0", traceparent=TRACE))),
    ):
        assert decode(got).request.traceparent == TRACE


def test_a_confirmation(decode: Decode) -> None:
    """A person's word is read past the mapping, which would make nothing of it."""
    confirms = ConfirmCustomer(Request("urn:shop", "17"), "2801", "individual")
    assert decode(record(encode_confirmation(confirms)), by=BARE) == confirms
    asked = decode(binary(b'{"customerId":"1","customerType":"group"}', type="customer.create.confirmed.v1"), by=BARE)
    assert isinstance(asked, ConfirmCustomer)
    quoting = event(note="customer.create.confirmed.v1")
    assert isinstance(decode(quoting), CreateCustomer)


def test_an_event_of_ours(decode: Decode) -> None:
    """It is mapped as any other: nothing but a confirmation is ours for certain."""
    assert refused(decode(structured(SMALL_CUSTOMER)))[0] == "undecodable"


def test_a_dead_letter_that_comes_back(decode: Decode) -> None:
    """It is mapped again, and stays the event that its headers name."""
    first = decode(event(customer={"type": "individual"}))
    assert isinstance(first, Unusable)
    got = record(orjson.dumps(event(id="18")))
    back = RESULTS.dead_letter(Failed(first.reason), got, first.request, 0.0)
    asked = decode(record(back.value, *back.headers))
    assert isinstance(asked, CreateCustomer)
    assert (asked.request.source, asked.request.id) == ("urn:shop", "17")


def test_a_dead_letter_of_which_nobody_knew_whose_it_was(decode: Decode) -> None:
    """The mapping was mended since: the event's own words count now."""
    got = record(orjson.dumps(event()))
    first = decode(got, by=EVENT.replace("value.id", "value.nothing"))
    assert isinstance(first, Unusable)
    back = RESULTS.dead_letter(Failed(first.reason), got, first.request, 0.0)
    assert decode(record(back.value, *back.headers)).request.id == "17"


FAULTS = {
    "no TOML": ("[event\n", "not TOML", "line 1, column 7"),
    "no event": (RULES, "event: Field required", "line 1 column 1"),
    "no customer": ("\n[event]\nid = 'value'\nsource = 'value'\n", "event.customer: Field required", "line 2 column 2"),
    "half an identity": (
        "[event]\ncustomer = 'value'\nid = 'value.id'\n",
        "source and id go together",
        "line 1 column 2",
    ),
    "another key": (BARE + "custmer = 'value'\n", "event.custmer: Extra inputs", "line 4 column 1"),
    "another end": (
        RULES.replace("unsupported_event", "drop") + BARE,
        "rules[1].then: Input should be",
        "line 9 column 1",
    ),
    "no words": (RULES.replace('"too old"', '""') + BARE, "rules[1].say: String should have", "line 10 column 1"),
    "no grammar": (BARE.replace('"value"', '"value.[a"'), "no JMESPath: it is not complete", "line 3 column 21"),
    "a character": (BARE.replace('"value"', '"value # x"'), "no JMESPath from '#' on", "line 3 column 19"),
    "a token": (BARE.replace('"value"', "'''\n  value ||\n  )\n'''"), "unexpected ')'", "line 5 column 3"),
    "nothing": (BARE.replace('"value"', '" "'), "no JMESPath: it is not complete", "line 3 column 14"),
    "a part": (
        BARE.replace('"value"', '"{a: payload.x}"'),
        "a record has no 'payload', but value, key",
        "line 3 column 17",
    ),
    "a function": (
        BARE.replace('"value"', '"[value, large(key)]"'),
        "there is no function large()",
        "line 3 column 21",
    ),
    "a count": (BARE.replace('"value"', '"split(key)"'), "split() takes 2 arguments, not 1", "line 3 column 13"),
    "too few": (BARE.replace('"value"', '"merge()"'), "merge() takes 1 argument or more, not 0", "line 3 column 13"),
    "no expression": (
        BARE.replace('"value"', '"map(key, value)"'),
        "takes an expression (&...) as its argument 1",
        "line 3",
    ),
    "an expression": (
        BARE.replace('"value"', '"length(&key)"'),
        "takes no expression (&...) as its argument 1",
        "line 3",
    ),
    "stray": (BARE.replace('"value"', '"[&key]"'), "stands outside of a function", "line 3"),
    "not": (BARE.replace('"value"', '"!value.a"'), "write !(a.b)", "line 3 column 13"),
    "a literal": (BARE.replace('"value"', """'`"\\ud800"`'"""), "half of a character", "line 3"),
    "a step": (BARE.replace('"value"', '"value[::0]"'), "a slice whose step is 0", "line 3"),
    "deep": (BARE.replace('"value"', f'"{"[" * 200}value{"]" * 200}"'), "nested deeper than", "line 3"),
    "very deep": (BARE.replace('"value"', f'"{"[" * 9000}value{"]" * 9000}"'), "nested deeper than", "line 3"),
    "many parts": (BARE.replace('"value"', f'"[{",".join(["value"] * 2000)}]"'), "has 2001 parts", "line 3"),
    "escapes": (
        BARE.replace('"value"', '"k\\u0065y # x"'),
        "no JMESPath from '#' on",
        "line 1 column 5 of the expression",
    ),
}


@pytest.mark.parametrize(("text", "fault", "place"), FAULTS.values(), ids=FAULTS.keys())
def test_a_file_that_is_broken(file: Callable[[str], Path], text: str, fault: str, place: str) -> None:
    """A wrong setting, named with the file, the line and the column."""
    path = file(text)
    with pytest.raises(SettingsError) as raised:
        load_mapping(path)
    told = str(raised.value)
    assert told.startswith(f"WORKER_EVENTS__MAPPING: {path}: ")
    assert fault in told
    assert place in told


def test_every_fault_of_a_file(file: Callable[[str], Path]) -> None:
    """One line each."""
    with pytest.raises(SettingsError) as raised:
        load_mapping(file(RULES.replace("value.kind", "payload.kind") + EVENT.replace("value.id", "lower()")))
    assert [line.split("toml: ")[1].split(": ")[0] for line in str(raised.value).splitlines()] == [
        "line 3 column 9",
        "line 8 column 9",
        "line 14 column 7",
    ]


def test_faults_of_both_kinds(file: Callable[[str], Path]) -> None:
    """A fault of the structure hides none of an expression, in the order of the file, whatever the rest is."""
    text = """
rules = [5, {when = "value #", then = "drop", say = "a"}]
[event]
customer = 'value.['
source = 7
more = 'x'
"""
    with pytest.raises(SettingsError) as raised:
        load_mapping(file(text))
    told = [line.split("toml: ")[1] for line in str(raised.value).splitlines()]
    assert [each[: each.index(":", each.index(": ") + 1)] for each in told] == [
        "line 2 column 1: rules[0]",
        "line 2 column 1: rules[1].then",
        "line 2 column 28: rules[1].when",
        "line 4 column 20: event.customer",
        "line 5 column 1: event.source",
        "line 6 column 1: event.more",
    ]


def test_the_same_fault_twice(file: Callable[[str], Path]) -> None:
    """Each is told at its own place."""
    rule = '[[rules]]\nwhen = "value #"\nthen = "pass_over"\nsay = "a"\n'
    with pytest.raises(SettingsError) as raised:
        load_mapping(file(rule * 2 + BARE))
    assert [line.split("toml: ")[1].split(": ")[0] for line in str(raised.value).splitlines()] == [
        "line 2 column 15",
        "line 6 column 15",
    ]


def test_files_that_are_none(tmp_path: Path) -> None:
    """Not there, too large, no text: wrong settings."""
    (tmp_path / "large").write_bytes(b"#" * (256 * 1024 + 1))
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name in ("missing", "large", "bytes"):
        with pytest.raises(SettingsError, match=rf"--mapping: .*{name}: "):
            load_mapping(tmp_path / name, "--mapping")


def test_the_command_with_a_broken_file(file: Callable[[str], Path], monkeypatch, capsys) -> None:
    """It is wrong usage, and no traceback."""
    monkeypatch.setattr("sys.argv", ["customer-worker", "validate", "--mapping", str(file("[event]\n")), "-"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("--mapping: ")


def test_the_setting(file: Callable[[str], Path], monkeypatch) -> None:
    """`validate` maps by it, as `run` does."""
    monkeypatch.setenv("WORKER_EVENTS__MAPPING", str(file(RULES + EVENT)))
    given = orjson.dumps(event()) + b"\n" + orjson.dumps(event(kind="other"))
    done = CliRunner().invoke(app, ["validate", "--json", "-"], input=given)
    first, second = map(orjson.loads, done.output.splitlines())
    assert first["event"] == {"source": "urn:shop", "id": "17", "subject": "c-17"}
    assert (first["input"], first["request"]) == (event(), SMALL_CUSTOMER)
    assert (second["valid"], second["passedOver"]) == (True, "not ours")
    assert done.exit_code == 0


CANNOT = [
    "join('', [value.secret, `null`])",
    "lower([value.secret])",
    "split(value.secret, '')",
    "parse_json(value.secret)",
    "sum([value.secret])",
    "sort_by([value, {secret: `1`}], &secret)",
    "max([value.secret, `1`])",
    "map(&upper(@), [value])",
    "value.secret",
    "[value.secret]",
    "abs(value.secret)",
    "merge(value, value.secret)",
    "contains(`1`, value.secret)",
]


@pytest.mark.parametrize("expression", CANNOT)
def test_no_value_is_ever_told(decode: Decode, expression: str) -> None:
    """What cannot be mapped is told by its place and its types."""
    for field in ("customer", "id", "source"):
        by = BARE.replace("value", "value") + "id = 'value.id'\nsource = 'value.id'\n"
        by = by.replace(f"{field} = ", f"{field} = '''{expression}''' # ", 1)
        asked = decode({"id": "1", "secret": SECRET}, by=by)
        if field == "customer" or expression != "value.secret":
            code, why = refused(asked)
            assert code == "undecodable"
            assert SECRET not in why
            assert f"event.{field}: " in why
