"""A mapping over a topic with a schema registry: it sees what the values stand for."""

from dataclasses import replace

import orjson
import pytest
from builders import record
from documented_mappings import documented
from registered import KnownReaders, avro, avro_schema, numbered

from worker.events.confirmation import encode_confirmation
from worker.events.decode import Decoder
from worker.events.mapping import load_mapping
from worker.model.commands import ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import SchemaRegistryUnavailable

PERSON = {
    "type": "record",
    "name": "Person",
    "fields": [
        {"name": "firstName", "type": "string"},
        {"name": "lastName", "type": ["null", "string"]},
        {"name": "born", "type": ["null", {"type": "int", "logicalType": "date"}]},
    ],
}
MEMBER = {
    "type": "record",
    "name": "Member",
    "fields": [
        {"name": "memberNumber", "type": "long"},
        {"name": "tier", "type": {"type": "enum", "name": "Tier", "symbols": ["BASIC", "PREMIUM"]}},
        {"name": "person", "type": PERSON},
        {"name": "emails", "type": ["null", {"type": "array", "items": "string"}]},
    ],
}
READERS = KnownReaders({7: avro_schema(MEMBER)})
[EXAMPLE] = [each for each in documented() if each.name == "An Avro record"]
GIVEN = orjson.loads(EXAMPLE.events[0])
RULE = """
[[rules]]
when = "headers.kind == 'other' || value == `null`"
then = "pass_over"
say = "nothing of ours"
"""


@pytest.fixture
def decode(tmp_path):
    (tmp_path / "mapping.toml").write_text(RULE + EXAMPLE.file)
    return Decoder(readers=READERS, mapping=load_mapping(tmp_path / "mapping.toml"))


def member(schema=7):
    """The documented one, as a producer with that schema writes it."""
    value = GIVEN["payload"]
    born = {"born": 4_464}  # days since 1970
    return numbered(avro(MEMBER, value | {"person": value["person"] | born}), schema)


def got(value, *headers, key=b"m-5"):
    return replace(record(value, *headers), topic=GIVEN["topic"], key=key)


def test_what_is_documented(decode):
    """Avro's bytes end as the documented JSON does."""
    asked = decode(got(member()))
    assert isinstance(asked, CreateCustomer)
    [shown] = [line for line in EXAMPLE.printed.splitlines() if line.startswith("line 1: request ")]
    assert orjson.loads(asked.body) == orjson.loads(shown.removeprefix("line 1: request "))
    assert asked.request == Request("urn:loyalty:members", "m-5", "5")


def test_a_value_that_names_no_schema(decode):
    """It is undecodable, as without a mapping; that there is none is for the rules."""
    asked = decode(got(orjson.dumps(GIVEN["payload"])))
    assert isinstance(asked, Unusable)
    assert (asked.reason.code, "names no schema" in asked.reason.message) == ("undecodable", True)
    assert isinstance(decode(got(None)), PassOver)


def test_a_confirmation(decode):
    """A person's word names no schema, and needs none."""
    confirms = ConfirmCustomer(Request("urn:loyalty:members", "m-5"), "2801", "individual")
    assert decode(got(encode_confirmation(confirms))) == confirms


def test_a_schema_that_was_not_fetched(decode):
    """The record waits for it, as without a mapping."""
    with pytest.raises(SchemaRegistryUnavailable):
        decode(got(member(schema=8)))


def test_a_key_in_the_registry_s_form(decode):
    """It is no text, so that nothing of it is taken for a name."""
    asked = decode(got(member(), key=numbered(b"\x06m-5")))
    assert isinstance(asked, Unusable)
    assert "event.id: is null" in asked.reason.message
