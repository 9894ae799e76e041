"""What is announced of each outcome."""

import json
from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.events.results import Results, event_id, terminal_id
from worker.model.commands import Request
from worker.model.outcomes import MAX_VIOLATIONS, Failed, HttpAnswer, Reason, ReasonCode, Succeeded, Violation
from worker.model.records import Position, Record

RESULTS = Results("crm-eu", "ok", "failed", "dead", "group-1")
REQUEST = Request("shop", "e-1", subject="customer/7", traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
RECORD = Record("requests", 2, 41, 1_700_000_000_000, b"key", b"\xffvalue", (("ce_id", b"e-1"), ("empty", None)))
VIOLATION = Violation("customerName", "max_length", limit=124)


def headers(message):
    return dict(message.headers)


@given(st.text(), st.text(), st.text(), st.integers(0, 2**31), st.integers(0, 2**62), st.text())
def test_terminal_id_is_a_uuid5(source, id_, topic, partition, offset, type_):
    """Of the compact JSON array of what the event is about, in the namespace of URLs."""
    name = json.dumps([source, id_, topic, partition, offset, type_], ensure_ascii=False, separators=(",", ":"))
    made = terminal_id((source, id_), (topic, partition, offset), type_)
    assert made == str(uuid5(NAMESPACE_URL, name))


def test_a_success():
    """A CloudEvent with the request's key, subject and trace."""
    outcome = Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "group", 2, "already_created")
    message = RESULTS.succeeded(outcome, RECORD, REQUEST)
    event = orjson.loads(message.value or b"")
    assert (message.topic, message.key) == ("ok", b"key")
    assert headers(message)["content-type"] == b"application/cloudevents+json"
    assert event["id"] == event_id(REQUEST, RECORD, "customer.create.succeeded.v1")
    assert (event["source"], event["subject"], event["traceparent"]) == ("crm-eu", "customer/7", REQUEST.traceparent)
    assert event["data"] == {
        "request": {"id": "e-1", "source": "shop", "topic": "requests", "partition": 2, "offset": 41},
        "customerId": "2801",
        "location": "/system/ws/v12/interaction/customer/2801",
        "customerType": "group",
        "resolution": "already_created",
        "attempts": 2,
    }


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_is_told(code):
    """As the code, in the event and in the dead letter."""
    outcome = Failed(Reason(code, "why", (VIOLATION,), HttpAnswer(400, "400-101")), 3)
    event = orjson.loads(RESULTS.failed(outcome, RECORD, REQUEST, Position("dead", 2, 9)).value or b"")
    assert event["data"]["reason"] == {
        "code": code.value,
        "message": "why",
        "violations": [{"path": "customerName", "rule": "max_length", "limit": 124}],
        "http": {"status": 400, "errorCode": "400-101"},
    }
    assert event["data"]["deadLetter"] == {"topic": "dead", "partition": 2, "offset": 9}
    assert headers(RESULTS.dead_letter(outcome, RECORD, REQUEST, 0.0))["worker-reason"] == code.value.encode()


def test_a_dead_letter():
    """The original record byte for byte, then the reason in three dialects."""
    outcome = Failed(Reason(ReasonCode.REJECTED, "no", http=HttpAnswer(400)), 1)
    letter = RESULTS.dead_letter(outcome, RECORD, REQUEST, first_seen=1_700_000_000.0)
    assert (letter.topic, letter.partition, letter.key, letter.value) == ("dead", 2, b"key", b"\xffvalue")
    assert letter.elsewhere
    assert letter.headers[:2] == RECORD.headers
    told = headers(letter)
    assert told["worker-http-status"] == b"400"
    assert told["worker-first-seen"] == b"2023-11-14T22:13:20.000Z"
    assert (told["worker-event-source"], told["worker-event-id"]) == (b"shop", b"e-1")


def test_a_dead_letter_without_its_payload():
    """It says that the value was left out."""
    results = Results("crm-eu", "ok", "failed", "dead", "group-1", with_payload=False)
    letter = results.dead_letter(Failed(Reason(ReasonCode.REJECTED, "no")), RECORD, REQUEST, 0.0)
    assert (letter.value, letter.partition, headers(letter)["worker-payload"]) == (None, 2, b"omitted")


def test_a_dead_letter_with_neither_key_nor_value():
    """It is an empty message that says so, since Kafka's producers take none that has neither."""
    record = Record("requests", 0, 0, 0, None, None)
    letter = RESULTS.dead_letter(Failed(Reason(ReasonCode.UNDECODABLE, "no")), record, REQUEST, 0.0)
    assert (letter.key, letter.value, headers(letter)["worker-value"]) == (None, b"", b"null")


def test_more_violations_than_a_message_holds():
    """The event stays publishable."""
    reason = Reason(ReasonCode.INVALID_CUSTOMER, "many", (VIOLATION,) * 100_000)
    message = RESULTS.failed(Failed(reason), RECORD, REQUEST, Position("dead", 0, 0))
    listed = orjson.loads(message.value or b"")["data"]["reason"]["violations"]
    assert len(listed) == MAX_VIOLATIONS
    assert listed[-1] == {"path": "", "rule": "count", "limit": MAX_VIOLATIONS - 1}


def test_ids_differ_by_record_and_type():
    """Every record has terminal events of its own, and each the same id whenever it is published."""
    other = Record("requests", 2, 42, 0, None, None)
    ids = {event_id(REQUEST, record, type_) for record in (RECORD, other) for type_ in ("a", "b")}
    assert len(ids) == 4
    assert event_id(REQUEST, RECORD, "a") == event_id(Request("shop", "e-1"), RECORD, "a")


def test_a_trace():
    """A dead letter carries it on, behind the original headers and unless they say the same."""
    rejected = Failed(Reason(ReasonCode.REJECTED, "no"), 1)
    parent = (REQUEST.traceparent or "").encode()
    traced = replace(RECORD, headers=(("traceparent", parent),))
    assert RESULTS.dead_letter(rejected, RECORD, REQUEST, 1.0).headers[-1] == ("traceparent", parent)
    again = RESULTS.dead_letter(rejected, traced, REQUEST, 1.0).headers
    assert [name for name, _ in again].count("traceparent") == 1
    ours = replace(REQUEST, traceparent="00-" + "a" * 32 + "-" + "c" * 16 + "-01", tracestate="a=1")
    letter = RESULTS.dead_letter(rejected, traced, ours, 1.0)
    assert letter.headers[0] == ("traceparent", parent)
    assert letter.headers[-2:] == (("traceparent", (ours.traceparent or "").encode()), ("tracestate", b"a=1"))
