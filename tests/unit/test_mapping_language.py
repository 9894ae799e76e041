"""The language of mappings: the library's own, to the letter, and in bounded time and memory."""

import string
import tracemalloc
from typing import Any

import jmespath
import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from worker.events.mapping.budget import MAX_TEXT, STEPS, Budget, Failure
from worker.events.mapping.expression import compiled, reads_value
from worker.events.mapping.functions import TABLE
from worker.events.mapping.grammar import Broken
from worker.events.mapping.result import customer_of

NAMES = ("a", "b", "c")
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "b", "a b", "1", "1.5"]) | st.just(0.5)
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)
LITERALS = SCALARS.map(lambda value: f"`{orjson.dumps(value).decode()}`")


def _joined(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda given: template.format(*given))


def _larger(inner: st.SearchStrategy[str], names: tuple[str, ...] = NAMES) -> st.SearchStrategy[str]:
    """Every form of the grammar, around smaller expressions."""
    name = st.sampled_from(names)
    one = "to_array|keys|values|length|not_null|type|to_string|to_number|reverse|sort|sum|avg|max|min|abs|ceil|floor"
    return st.one_of(
        _joined("({}).{}", inner, name),
        _joined("({}).[{}, {}]", inner, inner, inner),
        _joined("({}).{{{}: {}, c: {}}}", inner, name, inner, inner),
        _joined("{}[{}]", name, st.integers(-2, 2).map(str)),
        _joined("({})[{}:{}]", inner, st.integers(-2, 2).map(str), st.just("")),
        _joined("({})[*].{}", inner, name),
        _joined("({})[?{}].{}", inner, inner, name),
        _joined("({}).*.{}", inner, name),
        _joined("({})[]", inner),
        _joined("({})[].[{}]", inner, inner),
        _joined("({}) | {}", inner, inner),
        _joined("({}) {} ({})", inner, st.sampled_from(["&&", "||", "==", "!=", "<", "<=", ">", ">="]), inner),
        _joined("!({})", inner),
        _joined("{}({})", st.sampled_from(one.split("|")), inner),
        _joined("{}({}, {})", st.sampled_from(["contains", "starts_with", "ends_with", "join", "merge"]), inner, inner),
        _joined("{}({}, &{})", st.sampled_from(["sort_by", "max_by", "min_by"]), inner, inner),
        _joined("map(&{}, {})", inner, inner),
    )


EXPRESSIONS = st.recursive(st.sampled_from([*NAMES, "@"]) | LITERALS, _larger, max_leaves=8)


OF_A_RECORD = ("value", "key", "headers", "a")
OF_RECORDS = st.recursive(
    st.sampled_from([*OF_A_RECORD[:-1], "@", "*", "*.a", "*.*.a", "*[]", "[*]", "[*].a", "[?a]", "[]", "[0]"])
    | LITERALS,
    lambda inner: _larger(inner, OF_A_RECORD),
    max_leaves=6,
)


def by_the_library(text: str, document: Any) -> tuple[str, Any]:
    try:
        return "gives", jmespath.search(text, document)
    except JMESPathError:
        return "refuses", None


def by_ours(text: str, document: Any) -> tuple[str, Any]:
    # What an expression sees of a record stands below its known names.
    try:
        return "gives", compiled(f"value | {text}", Budget())({"value": document})
    except (Failure, Broken):
        return "refuses", None


def broken(text: str) -> str:
    """Why it can be evaluated for no record."""
    try:
        compiled(f"value | {text}", Budget())
    except Broken as error:
        return str(error)
    return ""


@given(EXPRESSIONS, DOCUMENTS)
def test_as_the_library_has_it(text: str, document: Any) -> None:
    """Every expression gives what the library's own evaluation gives, and is refused where that refuses it."""
    try:
        expected = by_the_library(text, document)
    except (TypeError, AttributeError):
        return  # It compares a text with a number, and crashes.
    assume("write !(a.b)" not in broken(text))
    told = by_ours(text, document)
    assert told[0] == expected[0]
    assert repr(told[1]) == repr(expected[1]) or orjson.dumps(told[1]) == orjson.dumps(expected[1])


def run(text: str, value: Any) -> Any:
    """What the expression gives for a record with that value, as a customer is taken of it."""
    budget = Budget()
    made = compiled(text, budget)({"value": value, "key": None, "topic": "t"})
    return customer_of({"made": made}, budget).get("made")


TEXTS = {
    "lower(value)": ("A B", "a b"),
    "upper(value)": ("straße", "STRASSE"),
    "trim(value)": (" \t a \n", "a"),
    "split(value, ' ')": ("a b c", ["a", "b", "c"]),
    "split(value, ' ')[-1]": ("Grace Brewster Hopper", "Hopper"),
    "replace(value, '-', '')": ("12-34-56", "123456"),
    "replace(value, '', '.')": ("ab", ".a.b."),
    "parse_json(value).a[0]": ('{"a": ["x"]}', "x"),
    "parse_json(value)": ("12", "12"),
    "join('/', [value, 'b'])": ("a", "a/b"),
    "to_string({a: value})": (1, '{"a":1}'),
}


@pytest.mark.parametrize(("text", "value", "expected"), [(text, *both) for text, both in TEXTS.items()])
def test_functions_for_texts(text: str, value: Any, expected: Any) -> None:
    """What the page says of them."""
    assert run(text, value) == expected


@pytest.mark.parametrize("raw", ["", "{", "[1,", "nul", '{"a":1,"a":2}', "[" * 2000 + "]" * 2000, "NaN", '"\\ud800"'])
def test_a_text_that_holds_no_json(raw: str) -> None:
    """It is read as strictly as an event."""
    with pytest.raises(Failure, match="takes JSON"):
        run("parse_json(value)", raw)


DOUBLED = " | ".join(["value", *["[@, @]"] * 50])
FLAT = " | ".join(["value", *["[@, @][]"] * 50])
HOSTILE = {
    "the same part in very many places": (DOUBLED, 1),
    "compared with itself": (f"({DOUBLED}) == ({DOUBLED})", 1),
    "looked for": (f"contains(({DOUBLED}), value)", 1),
    "written down": (f"to_string({DOUBLED})", 1),
    "a list that doubles": (FLAT, [1]),
    "a list that doubles, sorted": (f"sort({FLAT})", ["a"]),
    "a long text in a list that doubles": (f"sort_by(({FLAT}), &@)", ["a" * 1_000_000]),
    "each of each of each": ("value[*].[value, @][*].[@, @][]", [{"value": list(range(300))}] * 300),
    "a filter over much": ("value[?@ == `1` || @ == `2`][?@ == `3`]", list(range(60_000))),
    "calls without end": ("map(&lower(to_string(@)), value)", list(range(30_000))),
    "a text that doubles": (" | ".join(["value", *["join('', [@, @])"] * 40]), "ab"),
    "a text that is replaced": (" | ".join(["value", *["replace(@, 'a', 'aaaaaaaa')"] * 20]), "a"),
    "a text, again and again": (f"map(&upper(@), {FLAT})", ["a" * 1_000_000]),
    "much JSON in a text": ("parse_json(value).a", "[" + ",".join(["[]"] * 349_000) + "]"),
    "much JSON, many times": (f"map(&parse_json(@), {FLAT})", ["[" + "[],[]," * 100_000 + "[]]"]),
    "texts to be joined": (f"join('', {FLAT})", ["a" * 1_000_000]),
    "a customer of many parts": ("value", [[0] * 300] * 300),
    "a customer of much text": ("value", ["a" * 600_000, "b" * 600_000]),
    "a customer that is deep": (" | ".join(["value", *["[@]"] * 40]), 1),
    "a number beyond all": ("to_number(value)", "1e999"),
    "no number": ("to_number(value)", "nan"),
    "rounded": ("ceil(to_number(value))", "1e999"),
}


@pytest.mark.parametrize(("text", "value"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_would_take_too_much(text: str, value: Any) -> None:
    """It is refused before it takes the room, and in steps that no clock counts."""
    tracemalloc.start()
    try:
        with pytest.raises(Failure):
            run(text, value)
        assert tracemalloc.get_traced_memory()[1] < 100 * MAX_TEXT
    finally:
        tracemalloc.stop()


def test_the_steps_of_a_record() -> None:
    """They are those of all its expressions together, and the next record has its own."""
    budget = Budget()
    evaluate = compiled("value[*].a", budget)
    seen: dict[str, Any] = {"value": [{}] * (STEPS // 3 + 1)}
    for _ in range(2):
        evaluate(seen)
        evaluate(seen)
        with pytest.raises(Failure, match=f"more than {STEPS} steps"):
            evaluate(seen)
        budget.renew()


def test_places() -> None:
    """A failure names the function that failed, among several of that name."""
    text = "value.[lower(a), map(&lower(@), b)]"
    with pytest.raises(Failure) as raised:
        run(text, {"a": "A", "b": ["B", 1]})
    assert raised.value.at == text.rindex("lower")
    assert str(raised.value) == "lower() takes a string, not a number"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc.*[]'", max_size=4), inner, max_size=4),
    max_leaves=20,
)
CALLS = st.sampled_from(sorted(TABLE)).flatmap(
    lambda name: st.lists(st.sampled_from(["value", "value.a", "value[0]", "'a'", "`1`", "&@", "&a"]), max_size=3).map(
        lambda arguments: f"{name}({', '.join(arguments)})"
    )
)


def of_a_record(text: str, value: Any) -> tuple[str, Any]:
    try:
        return "gives", compiled(text, Budget())({"value": value, "key": "b", "headers": {"a": "1"}, "topic": "t"})
    except Failure as error:
        return "fails", str(error)


@given(OF_RECORDS, DOCUMENTS)
@example("*.a", {"a": True})
@example("[*.a][0]", {"a": True})
@example("key | [?a] || *.a", {"a": True})
@example("map(&*.a, headers)", {"a": True})
def test_what_looks_at_no_value(text: str, document: Any) -> None:
    """It gives the same whatever the value is: such a rule decides before the value is read."""
    try:
        seen = reads_value(text)
    except Broken:
        return
    if not seen:
        assert repr(of_a_record(text, None)) == repr(of_a_record(text, document))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("key", False),
        ("headers.a == 'x' && topic != 'y'", False),
        ("headers.value", False),
        ("headers.*", False),
        ("headers | value", False),
        ("[?a]", False),
        ("value.a", True),
        ("*.a", True),
        ("*.a | [0]", True),
        ("[*.a][0]", True),
        ("contains(*.a, `true`)", True),
        ("@", True),
        ("{a: @}", True),
        ("keys(@)", True),
        ("values(@) | [0]", True),
        ("to_string(@)", True),
        ("not_null(@, key).*", True),
        ("[@, key]", True),
        ("sort_by(headers, &value) || value", True),
    ],
)
def test_whether_it_looks_at_the_value(text: str, seen: bool) -> None:  # noqa: FBT001  as parametrized
    """By its name, or by the whole record, which `*` stands for at the top."""
    assert reads_value(text) is seen


@pytest.mark.parametrize("text", ["@.value.deleted", "@ | value.deleted", "@.headers.a", "@.*.deleted", "@.value[0]"])
def test_a_name_below_the_record(text: str) -> None:
    """The names of the record itself are known, and no others."""
    assert reads_value(text)


@pytest.mark.parametrize("text", ["payload.value", "@.payload.value", "@ | payload", "[payload]", "(@.payload)[0]"])
def test_a_name_that_a_record_does_not_have(text: str) -> None:
    """It is told before any record comes."""
    with pytest.raises(Broken, match="a record has no 'payload'"):
        compiled(text, Budget())


@given(CALLS, JSON)
def test_any_call_of_any_value(text: str, value: Any) -> None:
    """It gives a customer's part, or is refused in words that hold nothing of the value; nothing else is raised."""
    try:
        orjson.dumps(run(text, {"a": value, "b": "s3cret"}))
        why = ""
    except (Broken, Failure) as error:
        why = str(error)
    assert "s3cret" not in why
