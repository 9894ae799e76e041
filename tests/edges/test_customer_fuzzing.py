"""Generated customers and broken records go through the decoder; WORKER_TEST_EXAMPLES asks for more of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from builders import ATTRIBUTES, binary, record, seed, structured, valid_customers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.events.decode import Decoder
from worker.model.commands import Command, CreateCustomer, Unusable

EXAMPLES = int(os.environ.get("WORKER_TEST_EXAMPLES", "250"))
fuzzed = settings(
    derandomize="WORKER_TEST_EXAMPLES" not in os.environ,
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
)
WORDS = st.sampled_from(
    [
        *(
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b":",
            b",",
            b"\\",
            b"\\u0022",
            b"\\ud800",
            b"\x00",
            b"\xff",
            b"\xef\xbb\xbf",
            b"1e999",
        ),
        *(
            b"<",
            b">",
            b"</",
            b"/>",
            b"&",
            b"&#0;",
            b"<!DOCTYPE a [",
            b"<![CDATA[",
            b"<?xml ",
            b"customer",
            b"xmlns=",
            b"'",
        ),
        *(b'"type"', b'"value"', b'"specversion"', b'"data"', b'"data_base64"', b"individual", b"null", b"NaN", b" "),
    ]
)
SEEDS = st.sampled_from([seed(f"individual-{size}.{form}") for size in ("required", "all") for form in ("json", "xml")])
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["content-type", *(f"ce_{name}" for name in ATTRIBUTES), "traceparent", "x"]),
        st.none() | st.binary() | st.sampled_from([b"application/cloudevents+json", b"application/xml", b"1.0"]),
    ),
    max_size=4,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid event with a few bytes removed, inserted or repeated."""
    raw = draw(SEEDS)
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(raw)), st.integers(0, len(raw)))))
        raw = (
            raw[:start]
            + draw(WORDS | st.just(b"") | st.just(raw[start:end][:200]))
            + raw[end if draw(st.booleans()) else start :]
        )
    return raw


@fuzzed
@given(damaged() | st.lists(WORDS).map(b"".join) | st.binary() | st.none(), HEADERS)
def test_any_bytes(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    """Any bytes give a command or a reason."""
    decoded = Decoder()(record(value, *headers))
    check(decoded)


@fuzzed
@given(JSON)
def test_any_json(data: Any) -> None:
    """Any JSON as an event's data gives the same answer in structured and in binary form."""
    decoder = Decoder()
    both = decoder(structured({"customer": data})), decoder(binary(orjson.dumps({"customer": data})))
    for decoded in both:
        check(decoded)
    assert reasons(both[0]) == reasons(both[1])


@fuzzed
@given(valid_customers())
def test_any_customer(document: dict[str, Any]) -> None:
    """A valid customer is sent as it was written, from every form, and through JSON and XML."""
    raw = orjson.dumps(document)
    for got in (record(raw), structured(document), binary(raw)):
        decoded = Decoder()(got)
        assert isinstance(decoded, CreateCustomer), decoded
        assert decoded.body == raw
    as_xml = Decoder(form="xml")(record(raw))
    assert isinstance(as_xml, CreateCustomer)
    back = Decoder()(binary(as_xml.body, "application/xml"))
    assert isinstance(back, CreateCustomer)
    assert back.body == raw


def reasons(decoded: Command) -> Any:
    return decoded.body if isinstance(decoded, CreateCustomer) else decoded


def check(decoded: Command) -> None:
    """The record was not caught by the last resort, which is for unforeseen errors, and has a proper reason."""
    if isinstance(decoded, Unusable):
        assert decoded.reason.message
        assert "cannot be read (" not in decoded.reason.message
        assert bool(decoded.reason.violations) == (decoded.reason.code == "invalid_customer")


HUGE = {
    "empty persons": b'{"type":"group","contactPersons":[' + b"{}," * 300_000 + b"{}]}",
    "unknown elements": b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}",
    "a name again and again": b"{" + b",".join([b'"a":1'] * 150_000) + b"}",
    "numbers": b"[" + b"1," * 500_000 + b"1]",
    "one number": b"1" * 1_000_000,
    "brackets": b"[" * 1_000_000,
    "braces": b'{"a":' * 200_000,
    "quotes": b'"' + b'\\"' * 500_000 + b'"',
    "blanks": b" " * 1_000_000,
    "XML elements": seed("individual-required.xml").replace(b"<type>", b"<a/>" * 200_000 + b"<type>"),
    "XML depth": b"<a>" * 300_000,
    "XML attributes": b"<a " + b" ".join(b'a%d=""' % number for number in range(80_000)) + b"/>",
    "XML comment": b"<!--" + b"x" * 1_000_000 + b"--><a/>",
    "billion laughs": b'<!DOCTYPE l [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(20))
    + b"]><l>&t;</l>",
    "an external entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
}


def test_huge_records() -> None:
    """The worst that fits into a record is refused, and the next record is decoded.

    What took time by the square of its size would take hours.
    """
    decoder = Decoder()
    for name, value in HUGE.items():
        assert len(value) <= 1024 * 1024, name
        assert isinstance(decoder(record(value)), Unusable), name
        assert isinstance(decoder(record(seed("individual-all.json"))), CreateCustomer)


def resident() -> int:
    """The resident memory of this process in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 // 2**20


LONG = "x" * 40_000
NAMES_WITHOUT_END = {
    "of elements": lambda batch: "".join(f"<x{batch}-{number}/>" for number in range(12_000)),
    "of elements, in any alphabet": lambda batch: "".join(f"<\u00e9{batch}-{number}{LONG}/>" for number in range(10)),
    "of attributes": lambda batch: "".join(f'<pin x{batch}-{number}{LONG}=""/>' for number in range(10)),
    "of prefixes": lambda batch: "".join(f'<pin xmlns:x{batch}-{number}{LONG}="y"/>' for number in range(10)),
    "of entities": lambda batch: "".join(f"&x{batch}-{number}{LONG};" for number in range(10)),
}


@pytest.mark.parametrize("names", NAMES_WITHOUT_END.values(), ids=NAMES_WITHOUT_END)
def test_names_in_xml_without_end(names: Callable[[int], str]) -> None:
    """They leave no memory behind, although libxml2 keeps each name it meets, and with too many reads nothing more."""
    decoder = Decoder()
    root = '<customer xmlns="http://bindings.egain.com/ws/model/v12/gen/interaction/customer">'
    before = 0
    for batch in range(100):
        assert isinstance(decoder(record(f"{root}{names(batch)}</customer>".encode())), Unusable)
        if batch == 10:
            before = resident()
    assert resident() - before < 10
    assert isinstance(decoder(record(seed("individual-all.xml"))), CreateCustomer)
