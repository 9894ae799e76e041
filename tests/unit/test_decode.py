"""What a record asks for, in every mode."""

import base64
from dataclasses import replace

import orjson
import pytest
from builders import ATTRIBUTES, binary, record, seed, structured

from worker.events.decode import Decoder
from worker.model.commands import CreateCustomer, Request, Unusable
from worker.model.outcomes import Reason, ReasonCode, Violation
from worker.model.records import Record

SMALL = orjson.loads(seed("individual-required.json"))
BODY = orjson.dumps(SMALL)
IDENTITY = ("urn:crm", "e-1")
PLACE = ("urn:kafka:requests", "3-7")
UNSET = ("subject", "time", "datacontenttype", "dataschema", "traceparent", "data_base64")
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def command(got: Record, decoder: Decoder | None = None) -> CreateCustomer:
    decoded = (decoder or Decoder())(got)
    assert isinstance(decoded, CreateCustomer)
    return decoded


def refusal(got: Record, decoder: Decoder | None = None) -> Unusable:
    decoded = (decoder or Decoder())(got)
    assert isinstance(decoded, Unusable)
    return decoded


def identity(request: Request) -> tuple[str, str]:
    return request.source, request.id


GOOD = {
    "bare JSON": (record(seed("individual-required.json")), PLACE),
    "bare XML": (record(seed("individual-required.xml")), PLACE),
    "bare XML behind white space": (record(b" \n" + seed("individual-required.xml")), PLACE),
    "bare XML by content type": (record(seed("individual-required.xml"), ("Content-Type", b"text/xml")), PLACE),
    "structured": (structured(SMALL), IDENTITY),
    "structured without content type": (record(structured(SMALL).value), IDENTITY),
    "structured with a charset": (
        record(structured(SMALL).value, ("content-type", b"application/cloudevents+json; charset=UTF-8")),
        IDENTITY,
    ),
    "structured XML": (
        structured(seed("individual-required.xml").decode(), datacontenttype="application/xml"),
        IDENTITY,
    ),
    "structured base64": (structured(None, data_base64=base64.b64encode(BODY).decode()), IDENTITY),
    "structured base64 XML": (
        structured(
            None,
            data_base64=base64.b64encode(seed("individual-required.xml")).decode(),
            datacontenttype="application/xml",
        ),
        IDENTITY,
    ),
    "structured with every other member null": (
        record(orjson.dumps({**ATTRIBUTES, "data": SMALL} | dict.fromkeys(UNSET))),
        IDENTITY,
    ),
    "structured base64 with data that is null": (
        record(orjson.dumps({**ATTRIBUTES, "data": None, "data_base64": base64.b64encode(BODY).decode()})),
        IDENTITY,
    ),
    "binary": (binary(BODY), IDENTITY),
    "binary with a vendor's type": (binary(BODY, "application/vnd.crm+json"), IDENTITY),
    "binary without content type": (binary(BODY, ""), IDENTITY),
    "binary XML": (binary(seed("individual-required.xml"), "application/xml"), IDENTITY),
}


@pytest.mark.parametrize(("got", "who"), GOOD.values(), ids=GOOD.keys())
def test_every_mode(got: Record, who: tuple[str, str]) -> None:
    """The same customer, and whoever asked for it."""
    decoded = command(got)
    assert decoded.body == BODY
    assert decoded.customer.customer_type == "individual"
    assert identity(decoded.request) == who


def test_xml_for_the_api() -> None:
    """A JSON event is sent as XML where the API is configured for it."""
    body = command(record(BODY), Decoder(form="xml")).body
    assert body.startswith(b"<customer xmlns=")
    assert command(record(body)).body == BODY


BAD = {
    "null": (record(None), PLACE, "undecodable", "null"),
    "empty": (record(b""), PLACE, "undecodable", "empty"),
    "blank": (record(b" \n"), PLACE, "undecodable", "not JSON"),
    "not JSON": (record(b"{"), PLACE, "undecodable", "line 1 column 2"),
    "UTF-8 mark": (record(b"\xef\xbb\xbf" + BODY), PLACE, "undecodable", "byte order mark"),
    "UTF-16": (record(BODY.decode().encode("utf-16")), PLACE, "undecodable", "UTF-16"),
    "UTF-16 without mark": (record(BODY.decode().encode("utf-16-le")), PLACE, "undecodable", "NUL"),
    "Latin-1": (record('{"type": "Zoë"}'.encode("latin-1")), PLACE, "undecodable", "not UTF-8 at byte 12"),
    "NUL": (record(b'{"type": "\x00"}'), PLACE, "undecodable", "NUL"),
    "no colon": (record(b'{"type" "group"}'), PLACE, "undecodable", "expected ':' after key (line 1 column 9)"),
    "NaN": (record(b'{"type": NaN}'), PLACE, "undecodable", "not JSON"),
    "Infinity": (record(b'{"type": -Infinity}'), PLACE, "undecodable", "not JSON"),
    "a name twice": (record(b'{"type": "group", "type": "individual"}'), PLACE, "undecodable", "twice"),
    "a name twice, one escaped": (record(b'{"pin": "\\u0022", "p\\u0069n": "1"}'), PLACE, "undecodable", "twice"),
    "deep": (record(b"[" * 40 + b"]" * 40), PLACE, "undecodable", "deeper than 32"),
    "deeper": (record(b"[" * 500 + b"]" * 500), PLACE, "undecodable", "deeper than 32"),
    "deepest": (record(b"[" * 10_000), PLACE, "undecodable", "deeper than 32"),
    "large": (record(b" " * 5_000_000), PLACE, "undecodable", "5000000 bytes"),
    "a lone surrogate": (record(b'{"pin": "\\ud800"}'), PLACE, "undecodable", "surrogate"),
    "a huge number": (record(b'{"pin": 1e999}'), PLACE, "undecodable", "infinity"),
    "a list": (record(b"[]"), PLACE, "invalid_customer", "1 rule"),
    "an empty object": (record(b"{}"), PLACE, "invalid_customer", "1 rule"),
    "an entity": (record(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), PLACE, "undecodable", "DTD"),
    "an undeclared entity": (record(b"<a>&b;</a>"), PLACE, "undecodable", "undeclared entity"),
    "deep XML": (record(b"<a>" * 1000), PLACE, "undecodable", "deeper than 32"),
    "broken XML": (record(b"<a><b></a>"), PLACE, "undecodable", "line 1"),
    "other XML": (record(b"<customer/>"), PLACE, "undecodable", "root element"),
    "Latin-1 XML": (
        record(b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>'),
        PLACE,
        "undecodable",
        "another encoding",
    ),
    "without id": (structured(SMALL, id=None), PLACE, "undecodable", "no usable id"),
    "an id that is no text": (structured(SMALL, id=5), PLACE, "undecodable", "no usable id"),
    "an empty source": (structured(SMALL, source=""), PLACE, "undecodable", "no usable source"),
    "without specversion": (structured(SMALL, specversion=None), IDENTITY, "undecodable", "no usable specversion"),
    "binary without id": (binary(BODY, id=None), PLACE, "undecodable", "no usable id"),
    "another version": (structured(SMALL, specversion="0.3"), IDENTITY, "unsupported_event", "'0.3'"),
    "another type": (structured(SMALL, type="customer.deleted.v1"), IDENTITY, "unsupported_event", "customer.deleted"),
    "a later version of the type": (
        binary(BODY, type="customer.create.requested.v2"),
        IDENTITY,
        "unsupported_event",
        "requested.v2",
    ),
    "a batch": (
        record(b"[]", ("content-type", b"application/cloudevents-batch+json")),
        PLACE,
        "unsupported_event",
        "batch",
    ),
    "structured, no object": (
        record(b"[]", ("content-type", b"application/cloudevents+json")),
        PLACE,
        "undecodable",
        "no JSON object",
    ),
    "no data": (structured(None), IDENTITY, "undecodable", "no data"),
    "no data in either form": (
        record(orjson.dumps({**ATTRIBUTES, "data": None, "data_base64": None})),
        IDENTITY,
        "undecodable",
        "carries no data",
    ),
    "both data": (structured(SMALL, data_base64="e30="), IDENTITY, "undecodable", "both"),
    "no base64": (structured(None, data_base64="%"), IDENTITY, "undecodable", "not base64"),
    "text for JSON": (structured("<customer/>"), IDENTITY, "undecodable", "datacontenttype"),
    "JSON for XML": (structured(SMALL, datacontenttype="text/xml"), IDENTITY, "undecodable", "no string"),
    "another content type": (structured(SMALL, datacontenttype="text/csv"), IDENTITY, "undecodable", "text/csv"),
    "bad data": (structured({}), IDENTITY, "invalid_customer", "1 rule"),
    "far too much that is bad": (
        structured(SMALL | dict.fromkeys(map(str, range(501)), "")),
        IDENTITY,
        "invalid_customer",
        "more than 500 rules are broken",
    ),
    "binary null": (binary(None), IDENTITY, "undecodable", "null"),
    "binary bad JSON": (binary(b"{"), IDENTITY, "undecodable", "not JSON"),
    "binary bad header": (
        record(BODY, *binary(BODY, source=None).headers, ("ce_source", b"\xff")),
        PLACE,
        "undecodable",
        "source is no text",
    ),
    "an id that is too long": (structured(SMALL, id="x" * 1025), PLACE, "undecodable", "id has 1025 characters"),
    "a source that is too long": (binary(BODY, source="é" * 1025), PLACE, "undecodable", "source has 1025 characters"),
    "a subject that is too long": (structured(SMALL, subject="x" * 1025), IDENTITY, "undecodable", "subject has 1025"),
    "a subject that is no text": (
        record(BODY, *binary(BODY, subject=None).headers, ("ce_subject", b"\xff")),
        IDENTITY,
        "undecodable",
        "subject is no text",
    ),
    "CloudEvents in Avro": (
        record(b"\x00\x01", ("content-type", b"application/cloudevents+avro")),
        PLACE,
        "unsupported_event",
        "avro",
    ),
    "hidden UTF-7": (
        record(b'<?xml version="1.0"' + b" " * 300 + b'encoding="UTF-7"?><customer/>'),
        PLACE,
        "undecodable",
        "another encoding",
    ),
    # Whatever limit or rule the value breaks, whose event it is can be read.
    "a large event": (structured(SMALL, more=" " * 2_000_000), IDENTITY, "undecodable", "more than the 1048576"),
    "a large event without content type": (
        record(structured(SMALL, more=" " * 2_000_000).value),
        IDENTITY,
        "undecodable",
        "more than the 1048576",
    ),
    "a large binary event": (binary(BODY + b" " * 2_000_000), IDENTITY, "undecodable", "more than the 1048576"),
    "an event with a name twice": (
        record((structured({}).value or b"").replace(b'"data":{}', b'"data":{"pin":"1","pin":"2"}')),
        IDENTITY,
        "undecodable",
        "twice",
    ),
    "a deep event": (structured({"pin": orjson.loads("[" * 100 + "]" * 100)}), IDENTITY, "undecodable", "deeper than"),
    "an event that is deep beside its customer": (
        structured(SMALL, more=orjson.loads("[" * 100 + "]" * 100)),
        IDENTITY,
        "undecodable",
        "deeper than 32",
    ),
    "a huge event that would take much to read": (
        record(structured(None).value[:-1] + b',"data":[' + b"[]," * 600_000 + b"[]]}"),  # type: ignore[index]
        PLACE,
        "undecodable",
        "bytes, more than",
    ),
}


@pytest.mark.parametrize(("got", "who", "code", "said"), BAD.values(), ids=BAD.keys())
def test_every_unusable_record(got: Record, who: tuple[str, str], code: str, said: str) -> None:
    """It ends with a reason that a person can act on, under the identity that can still be read."""
    decoder = Decoder()
    unusable = refusal(got, decoder)
    assert (unusable.reason.code, identity(unusable.request)) == (code, who)
    assert said in unusable.reason.message
    assert isinstance(decoder(record(BODY)), CreateCustomer)


@pytest.mark.parametrize("got", [got for got, _ in GOOD.values()], ids=GOOD.keys())
def test_a_customer_that_is_deeper_than_allowed(got: Record) -> None:
    """The limit is the setting's, and not the reader's that happens to read it."""
    deep = refusal(got, Decoder(max_depth=3))
    assert (deep.reason.code, deep.reason.message[:13]) == ("undecodable", "nested deeper")
    assert isinstance(Decoder(max_depth=6)(got), CreateCustomer)


def test_identity_by_place() -> None:
    """Two bare records never share an identity."""
    here = record(BODY)
    there = Record(here.topic, here.partition, here.offset + 1, 0, None, BODY)
    assert command(here).request.event != command(there).request.event


def test_subject_and_trace() -> None:
    """They are passed on, from extensions or from Kafka headers."""
    from_extension = command(structured(SMALL, traceparent=TRACE, tracestate="a=1")).request
    from_header = command(record(BODY, ("traceparent", TRACE.encode()), ("tracestate", b"a=1"))).request
    assert (from_extension.subject, from_extension.traceparent, from_extension.tracestate) == (
        ATTRIBUTES["subject"],
        TRACE,
        "a=1",
    )
    assert (from_header.subject, from_header.traceparent, from_header.tracestate) == (None, TRACE, "a=1")
    assert command(binary(BODY, traceparent=TRACE)).request.traceparent == TRACE


@pytest.mark.parametrize("bad", ["", "00", TRACE.upper(), TRACE[:-1], f"00-{'0' * 32}-{'b' * 16}-01", f"ff{TRACE[2:]}"])
def test_trace_of_another_shape(bad: str) -> None:
    """It is ignored, and the state with it."""
    request = command(structured(SMALL, traceparent=bad, tracestate="a=1")).request
    assert (request.traceparent, request.tracestate) == (None, None)


def test_exact_numbers() -> None:
    """A hand-written number keeps every digit and zero."""
    kind = b'{"value": "group", "group": {"type": "Club", "numberOfMembers": 9999999999999999999, "income": 4.10}}'
    body = b'{"type": ' + kind + b', "customerName": 12345678901234567890123}'
    decoded = orjson.loads(command(record(body)).body)
    group = decoded["type"]["group"]
    assert (group["numberOfMembers"], group["income"]) == ("9999999999999999999", "4.10")
    assert decoded["customerName"] == "12345678901234567890123"


def test_event_attribute() -> None:
    """The event's identity is written into the configured custom attribute, in place of what the event says."""
    decoder = Decoder(event_attribute="externalid")
    given = {**SMALL, "customAttributes": [{"attribName": "externalid", "attribValues": ["theirs"]}]}
    for data in (SMALL, given):
        decoded = command(structured(data), decoder)
        [attribute] = orjson.loads(decoded.body)["customAttributes"]["customAttribute"]
        assert attribute["attribValues"]["attribValue"] == [{"value": str(decoded.request.event)}]
        assert list(orjson.loads(decoded.body)) == ["type", "customAttributes", "contactPersons"]


def test_unknown_elements() -> None:
    """They are violations, unless they are to be dropped; then they are counted."""
    data = {**SMALL, "shoeSize": 47, "level": {"value": "Gold", "color": "red"}}
    refused = refusal(structured(data)).reason
    assert refused.code is ReasonCode.INVALID_CUSTOMER
    assert refused.violations == (Violation("shoeSize", "unknown_element"), Violation("level.color", "unknown_element"))
    dropping = Decoder(unknown_elements="drop")
    assert orjson.loads(command(structured(data), dropping).body) == {**SMALL, "level": {"value": "Gold"}}
    assert dropping.dropped_elements == 2


def test_more_unknown_elements_than_are_ever_listed() -> None:
    """All of them are dropped where they are to be; what belongs to another kind is, too."""
    many = {f"unknown{number}": {"value": number} for number in range(2_000)}
    point = {"type": {"value": "email", "email": {"emailAddress": "a@b.cd", **many}, "phone": {}}, **many}
    person = {"firstName": "Jack", "contactPoints": [point], **many}
    dropping = Decoder(unknown_elements="drop")
    decoded = orjson.loads(
        command(structured({"type": "individual", "contactPersons": [person], **many}), dropping).body
    )
    assert dropping.dropped_elements == 8_001
    [made] = decoded["contactPersons"]["contactPerson"]
    assert made["contactPoints"]["contactPoint"] == [{"type": {"value": "email", "email": {"emailAddress": "a@b.cd"}}}]


def test_a_fault_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even a defect of the decoder stops the partition, and its text, which may quote the event, is not told."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError("Jack")

    monkeypatch.setattr("worker.events.decode.require_supported", fail)
    reason = refusal(structured(SMALL)).reason
    assert (reason.code, reason.message) == ("undecodable", "cannot be read (ZeroDivisionError)")


def test_the_longest_names() -> None:
    """As long as may be they are passed on whole."""
    longest = "é" * 1024
    request = command(structured(SMALL, id=longest, source=longest, subject=longest)).request
    assert (request.id, request.source, request.subject) == (longest, longest, longest)


def test_headers_that_could_not_be_read() -> None:
    """The record ends as undecodable, under the identity that its value still tells."""
    for got, who in ((record(BODY), PLACE), (record(structured(SMALL).value), IDENTITY)):
        unusable = refusal(replace(got, unreadable="a header's name is not UTF-8"))
        assert unusable.reason == Reason(ReasonCode.UNDECODABLE, "a header's name is not UTF-8")
        assert identity(unusable.request) == who
    unusable = refusal(replace(record(None, ("content-type", b"application/cloudevents+avro")), unreadable="why"))
    assert (unusable.reason.code, unusable.reason.message) == (ReasonCode.UNDECODABLE, "why")
