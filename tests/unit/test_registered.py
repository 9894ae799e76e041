"""A topic with a schema registry: which values name a schema, and what becomes of those that do not."""

import re
from datetime import date

import orjson
import pytest
from builders import ATTRIBUTES, binary, record, structured
from registered import CUSTOMER, GUID, KnownReaders, avro, avro_schema, customer_value, guid_header, numbered

from worker.events.confirmation import encode_confirmation
from worker.events.decode import Decoder
from worker.events.mapping import load_mapping
from worker.events.registered.schema import Schema
from worker.events.registered.wire import HEADER
from worker.model.commands import ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import SchemaRegistryUnavailable
from worker.model.outcomes import ReasonCode

JSON = Schema("JSON", '{"type": "object"}')
BODY = b'{"type": "individual", "contactPersons": [{"firstName": "Jack"}]}'
DECODER = Decoder(readers=KnownReaders({7: avro_schema(CUSTOMER), GUID: avro_schema(CUSTOMER), 8: JSON}))


def refused(got, decoder=DECODER):
    asked = decoder(got)
    assert isinstance(asked, Unusable)
    return asked.reason


def test_an_avro_value():
    """It is the customer that it stands for, in the API's form; its event is its place."""
    asked = DECODER(record(customer_value()))
    assert isinstance(asked, CreateCustomer)
    assert orjson.loads(asked.body) == {
        "type": {"value": "individual"},
        "contactPersons": {"contactPerson": [{"firstName": "Jack", "dependents": "4"}]},
    }
    assert asked.request == Request("urn:kafka:requests", "3-7")


def test_a_value_that_names_its_schema_in_a_header():
    """The value is the whole body then."""
    body = customer_value()[5:]
    assert isinstance(DECODER(record(body, guid_header())), CreateCustomer)
    assert isinstance(DECODER(record(body, (HEADER, b"\0\0\0\0\7"))), CreateCustomer)


@pytest.mark.parametrize(
    "media", ["application/avro", "application/octet-stream", "application/xml", "application/json"]
)
def test_attributes_in_headers(media):
    """They count as ever, and the value is the data, whatever its media type says of the bytes."""
    asked = DECODER(binary(customer_value(), media))
    assert isinstance(asked, CreateCustomer)
    assert asked.request == Request("urn:crm", "e-1", "customer-17")


def test_a_whole_event_behind_a_schema_id():
    """A structured CloudEvent is one, too."""
    plain = structured(orjson.loads(BODY))
    asked = DECODER(record(numbered(plain.value or b"", 8)))
    assert isinstance(asked, CreateCustomer)
    assert asked.request.id == "e-1"
    assert isinstance(DECODER(record(numbered(plain.value or b"", 8), *plain.headers)), CreateCustomer)
    assert isinstance(DECODER(record(numbered(BODY, 8))), CreateCustomer)


def test_our_own_events_as_they_are():
    """What the worker's commands write needs no registry."""
    confirmed = ConfirmCustomer(Request("urn:crm", "17"), "2801", "individual")
    assert DECODER(record(encode_confirmation(confirmed))) == confirmed
    assert isinstance(DECODER(structured(orjson.loads(BODY))), CreateCustomer)
    assert isinstance(DECODER(binary(BODY)), CreateCustomer)


@pytest.mark.parametrize(
    "got",
    [
        record(BODY),
        record(b"<customer/>"),
        structured({}, type="com.example.lead"),
        structured({}, type=["com.example.lead"]),
        binary(BODY, type="com.example.lead"),
    ],
)
def test_other_values_without_a_schema(got):
    """They have no place in a topic with a registry."""
    reason = refused(got)
    assert (reason.code, reason.message) == (
        ReasonCode.UNDECODABLE,
        "the value names no schema of the registry, and is no event of this worker's own",
    )


def test_no_registry():
    """Then such a value is what it always was."""
    assert refused(record(customer_value()), Decoder()).code is ReasonCode.UNDECODABLE
    assert isinstance(Decoder()(record(BODY, guid_header())), CreateCustomer)


@pytest.mark.parametrize(
    ("got", "told"),
    [
        (record(b"\0\0\0\7"), "the value does not name a schema"),
        (record(b"\1abc"), "the value does not name a schema"),
        (record(BODY, (HEADER, b"\1short")), f"the header {HEADER} does not name a schema"),
        (record(BODY, (HEADER, b"\2" * 17)), f"the header {HEADER} does not name a schema"),
        (record(None, guid_header()), "the value is null"),
        (
            record(customer_value()[:-2]),
            r"the value is not as its Avro schema says \(\w+\) \(schema 7 of the registry\)",
        ),
        (record(numbered(b"{", 8)), "not JSON"),
        (
            record(numbered(avro(CUSTOMER, {"type": "group", "pin": None, "contactPersons": []})[:1] * 9)),
            "the value is not as",
        ),
    ],
)
def test_a_value_that_cannot_be_opened(got, told):
    """It is undecodable, and the reason names the schema and nothing of the value."""
    reason = refused(got)
    assert reason.code is ReasonCode.UNDECODABLE
    assert re.match(told, reason.message)


def test_who_asked_though_nothing_can_be_read():
    """Attributes in headers hold, whatever the value is."""
    asked = DECODER(binary(b"\0\0"))
    assert isinstance(asked, Unusable)
    assert (asked.request.source, asked.request.id) == (ATTRIBUTES["source"], ATTRIBUTES["id"])


@pytest.mark.parametrize(("limit", "told"), [(10, "the value has"), (60, "the value as JSON has")])
def test_limits(limit, told):
    """They count for the value as it is, and for the JSON that it stands for."""
    decoder = Decoder(readers=KnownReaders(), max_bytes=limit)
    assert refused(record(customer_value()), decoder).message.startswith(told)


def test_a_schema_that_was_not_fetched():
    """Nothing is decided about its value: that would be a dead letter for an outage."""
    with pytest.raises(SchemaRegistryUnavailable):
        DECODER(record(customer_value(schema=9)))


MAPPING = """
[[rules]]
when = "value.kind == 'OLD'"
then = "pass_over"
say = "too old"

[event]
source = "'urn:leads'"
id = "value.no"
customer = "{type: 'individual', contactPersons: [{firstName: value.who, dateOfBirth: value.born}]}"
"""
LEAD = {
    "type": "record",
    "name": "Lead",
    "fields": [
        {"name": "no", "type": "string"},
        {"name": "who", "type": "string"},
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["NEW", "OLD"]}},
        {"name": "born", "type": ["null", {"type": "int", "logicalType": "date"}]},
    ],
}


@pytest.fixture
def mapped(tmp_path):
    """Reads leads in Avro by a mapping."""
    (tmp_path / "mapping.toml").write_text(MAPPING)
    return Decoder(readers=KnownReaders({7: avro_schema(LEAD)}), mapping=load_mapping(tmp_path / "mapping.toml"))


def lead(**more):
    value = {"no": "l-1", "who": "Jack", "kind": "NEW", "born": date(1990, 2, 28), **more}
    return record(numbered(avro(LEAD, value)))


def test_a_mapping_of_what_was_read_by_a_schema(mapped):
    """It sees the JSON that the value stands for."""
    asked = mapped(lead())
    assert isinstance(asked, CreateCustomer)
    assert asked.request == Request("urn:leads", "l-1")
    person = {"firstName": "Jack", "dateOfBirth": "1990-02-28"}
    assert orjson.loads(asked.body)["contactPersons"] == {"contactPerson": [person]}
    assert isinstance(mapped(lead(kind="OLD")), PassOver)


def test_what_a_mapping_does_not_see(mapped):
    """A confirmation is read before registry and mapping; a value without a schema is none for it."""
    confirmed = ConfirmCustomer(Request("urn:crm", "17"), "2801", "individual")
    assert mapped(record(encode_confirmation(confirmed))) == confirmed
    assert refused(record(b'{"no": "l-1", "who": "Jack"}'), mapped).message.startswith("the value names no schema")
    assert "schema 7 of the registry" in refused(record(numbered(b"\7")), mapped).message
    with pytest.raises(SchemaRegistryUnavailable):
        mapped(record(numbered(b"", 9)))
