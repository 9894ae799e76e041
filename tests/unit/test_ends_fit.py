"""Every record has an end that fits: no event, dead letter or journal entry grows with what the record holds."""

from dataclasses import replace

import orjson
import pytest
from builders import ATTRIBUTES, record, structured
from hypothesis import given
from hypothesis import strategies as st

from worker.customer.catalog import Catalog
from worker.events.decode import Decoder
from worker.events.letter_headers import original, violations
from worker.events.results import Results, forms
from worker.journal.entries import Finished, encode
from worker.kafka.publisher import size_of
from worker.model.commands import CreateCustomer, Unusable
from worker.model.outcomes import (
    MAX_LISTED,
    MAX_MESSAGE,
    MAX_VIOLATIONS,
    Failed,
    HttpAnswer,
    Outcome,
    Reason,
    ReasonCode,
    Succeeded,
    Violation,
)
from worker.model.records import OutgoingMessage, Position, Record
from worker.topics import ENVELOPE, Cluster, Plan, Topic, wanted

RESULTS = Results("crm" * 300, "s" * 249, "f" * 249, "d" * 249, "group" * 50)
AT = Position("d" * 249, 2**31 - 1, 2**62)
LOCATION = f"/system/ws/v12/interaction/customer/{'x' * 60_000}"
MADE = Succeeded("2801", LOCATION, "individual", 5)

# Characters that JSON writes in one byte, in six and in four.
FILLERS = st.sampled_from(["a", "\x01", "é", "😀", '"'])
LENGTHS = st.sampled_from([0, 1, 17, 1024, 1025, 100_000])


class Filled(str):
    """A long text whose repr is short."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{self[:1]!r} * {len(self)}"


class FilledBytes(bytes):
    """The same of bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{bytes(self[:1])!r} * {len(self)}"


NAMES = st.builds(lambda filler, length: Filled(filler * length), FILLERS, LENGTHS)
BYTES = st.builds(
    lambda filler, length: FilledBytes(filler * length), st.sampled_from([b"a", b"\x01", b"\xff"]), LENGTHS
)
HEADERS = st.lists(st.tuples(st.sampled_from(["a", "ce_id", "worker-event-id", "x" * 5000]), BYTES), max_size=5)
VIOLATIONS = st.lists(
    st.builds(
        Violation,
        NAMES,
        st.sampled_from(["required", "configured_values"]),
        st.none() | st.integers(0, 2**31),
        st.none()
        | st.lists(st.sampled_from([Filled("b"), Filled("b" * 300), Filled("b" * 5000)]), max_size=3).map(tuple),
    ),
    max_size=5,
)
TIMES = st.integers(0, 300)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Anything that may come in: CloudEvents with names of every length, garbage, large keys, many headers."""
    names = {name: draw(NAMES) for name in ("id", "source", "subject", "tracestate", "traceparent")}
    made = structured({"type": "individual", "contactPersons": [{"firstName": draw(NAMES)}]}, **names)
    value = draw(st.one_of(st.none(), BYTES, st.just(made.value)))
    headers = (*(made.headers if value == made.value else ()), *draw(HEADERS))
    return Record("r" * 249, 2**31 - 1, 2**62, 2**50, draw(st.none() | BYTES), value, headers)


def ends(outcome: Outcome, got: Record, results: Results) -> list[OutgoingMessage]:
    """The last form of each message that tells of it."""
    request = Decoder()(got).request
    if isinstance(outcome, Succeeded):
        return [list(forms(results.succeeded(outcome, got, request)))[-1]]
    *_, letter = results.dead_letters(outcome, got, request, 0.0)
    return [list(forms(results.failed(outcome, got, request, AT)))[-1], letter]


@given(records(), VIOLATIONS, TIMES, NAMES, st.booleans())
def test_the_last_form_of_every_end(got, found, times, message, with_payload):
    """It takes less than what the topics have room for beside a request, whatever the record and its outcome are."""
    results = replace(RESULTS, with_payload=with_payload)
    failed = Failed(Reason(ReasonCode.INVALID_CUSTOMER, message, tuple(found) * times, HttpAnswer(400, "400-101")), 5)
    for outcome in (failed, MADE):
        assert len(encode(Finished(outcome))) < ENVELOPE
        for end in ends(outcome, got, results):
            assert size_of(end) < ENVELOPE


@given(records(), VIOLATIONS, TIMES)
def test_what_a_dead_letter_adds(got, found, times):
    """The first form holds the record whole, and takes little more than it."""
    failed = Failed(Reason(ReasonCode.INVALID_CUSTOMER, "why", tuple(found) * times), 5)
    first = next(RESULTS.dead_letters(failed, got, Decoder()(got).request, 0.0))
    assert (first.key, first.value or None) == (got.key, got.value or None)
    assert first.headers[: len(original(got.headers))] == original(got.headers)
    assert size_of(first) - size_of(OutgoingMessage("", got.key, got.value, got.headers)) < ENVELOPE


@given(VIOLATIONS, TIMES)
def test_violations(few, times):
    """As many as there is room for, in their order; the last one says so where others were left out."""
    found = tuple(few) * times
    told = Reason(ReasonCode.INVALID_CUSTOMER, "", found).violations
    assert len(orjson.dumps(told)) <= MAX_LISTED + len("[]")
    assert len(told) <= MAX_VIOLATIONS
    assert Reason(ReasonCode.INVALID_CUSTOMER, "", told).violations == told
    left_out = told[-1:] == (Violation("", "count", len(told) - 1),)
    kept = len(told) - left_out
    assert left_out or kept == len(found)
    assert [(each.path, each.rule, each.limit) for each in told[:kept]] == [
        (each.path, each.rule, each.limit) for each in found[:kept]
    ]
    assert all(each.allowed in (None, was.allowed) for each, was in zip(told[:kept], found, strict=False))


def test_violations_with_long_lists_of_values():
    """What is broken is said of all of them, what would be allowed of the first."""
    countries = frozenset(f"Country number {number:03} of the united list of countries" for number in range(50))
    postal = {"type": {"value": "postal", "postal": {"type": "office", "address_1": "1", "country": "X"}}}
    person = {"firstName": "Jack", "contactPoints": [postal] * 400}
    asked = Decoder(catalog=Catalog(countries=countries))(
        structured({"type": "individual", "contactPersons": [person]})
    )
    assert isinstance(asked, Unusable)
    told = asked.reason.violations
    assert (len(told), {each.rule for each in told}) == (400, {"configured_values"})
    assert (told[0].allowed, told[-1].allowed) == (tuple(sorted(countries)), None)
    assert len(encode(Finished(Failed(asked.reason)))) < MAX_LISTED + 4096


def test_a_long_sentence():
    """It is cut."""
    message = Reason(ReasonCode.REJECTED, "x" * 5000).message
    assert (len(message), message[-4:]) == (MAX_MESSAGE, "x...")


def test_names_of_the_largest_size_that_is_read():
    """The customer is created, and announced under its own names and its own key."""
    names = dict.fromkeys(("id", "source", "subject"), "\x01" * 1024)
    got = structured({"type": "individual", "contactPersons": [{"firstName": "Jack"}]}, **{**ATTRIBUTES, **names})
    asked = Decoder()(got)
    assert isinstance(asked, CreateCustomer)
    event = RESULTS.succeeded(MADE, got, asked.request)
    assert size_of(event) < ENVELOPE
    told = orjson.loads(event.value or b"")
    assert {told["data"]["request"]["id"], told["data"]["request"]["source"], told["subject"]} == {"\x01" * 1024}


def test_a_key_that_does_not_fit():
    """Events of one key keep one key: its digest."""
    event = RESULTS.succeeded(MADE, replace(record(b""), key=b"k" * 100_000), Decoder()(record(b"{}")).request)
    whole, short = forms(event)
    assert (whole, short.value, len(short.key or b"")) == (event, event.value, 64)
    assert list(forms(replace(event, key=None))) == [replace(event, key=None)]


@pytest.mark.parametrize("largest", [None, 1_000, 5_000_000])
def test_topics_as_they_are_made(largest):
    """They have room for the largest request with all that is told of it."""
    config = {} if largest is None else {"max.message.bytes": str(largest)}
    name = Plan().requests
    made = wanted(Plan(), Cluster(1, {name: Topic(name, 6, 1, config)}))
    for spec in made[1:4]:
        assert int(spec.config["max.message.bytes"]) >= max(largest or 0, 1024 * 1024) + ENVELOPE


def test_the_place_of_a_record_alone():
    """The last form of a dead letter still says why, of which event, and where its record is."""
    failed = Failed(Reason(ReasonCode.INVALID_CUSTOMER, "why", (Violation("pin", "max_length", 255),)))
    got = record(b"v", ("a", b"1"))
    *_, letter = RESULTS.dead_letters(failed, got, Decoder()(got).request, 0.0)
    told = dict(letter.headers)
    assert (letter.key, letter.value, "a" in told) == (None, b"", False)
    assert (told["worker-payload"], told["worker-original"]) == (b"omitted", b"omitted")
    assert (told["worker-reason"], told["worker-event-id"]) == (b"invalid_customer", b"3-7")
    assert told["worker-violations"] == orjson.dumps(violations(failed.reason.violations))
    assert (told["__connect.errors.partition"], told["__connect.errors.offset"]) == (b"3", b"7")
