"""Documents written as Avro: read back they are the same, and what does not fit is told by its place alone."""

from typing import Any

import orjson
import pytest
from registered import MOST, avro_schema

from worker.events.registered.avro_write import AvroWriter, Misfit
from worker.events.registered.schema import reader_of

INNER = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "x", "type": "int"}, {"name": "again", "type": ["null", "Inner"], "default": None}],
}


def logical(base, kind, **more):
    return {"type": base, "logicalType": kind, **more}


SCHEMA = {
    "type": "record",
    "name": "Everything",
    "fields": [
        {"name": "text", "type": "string"},
        {"name": "maybe", "type": ["null", "string"]},
        {"name": "given", "type": "int", "default": 7},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "born", "type": ["null", logical("int", "date")]},
        {"name": "at", "type": ["null", logical("long", "timestamp-millis")]},
        {"name": "price", "type": ["null", logical("bytes", "decimal", precision=10, scale=2)]},
        {"name": "raw", "type": ["null", "bytes"]},
        {"name": "list", "type": {"type": "array", "items": INNER}},
        {"name": "map", "type": {"type": "map", "values": ["boolean", "double"]}},
    ],
}
LEAST = {"text": "a", "kind": "B", "list": [], "map": {}}
WRITE = AvroWriter(avro_schema(SCHEMA))


def test_there_and_back():
    """Every type, and what is not there is not set, or the schema's default."""
    document = {
        "text": "a",
        "given": 8,
        "kind": "A",
        "born": "1990-02-28",
        "at": "2026-01-02T03:04:05Z",
        "price": "12.30",
        "raw": "/w==",
        "list": [{"x": 1, "again": {"x": 2}}],
        "map": {"a": True, "b": 1.5},
    }
    read = reader_of(avro_schema(SCHEMA))
    assert orjson.loads(read(WRITE(document), MOST)) == document
    assert orjson.loads(read(WRITE(LEAST), MOST))["given"] == 7
    assert "maybe" not in orjson.loads(read(WRITE({**LEAST, "maybe": None}), MOST))
    assert orjson.loads(read(WRITE({**LEAST, "price": 12.5}), MOST))["price"] == "12.50"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text": 7}, "at text"),
        ({"text": None}, "at text"),
        ({"given": True}, "at given"),
        ({"kind": "secret"}, "at kind"),
        ({"born": "secret"}, "at born"),
        ({"price": "secret"}, "at price"),
        ({"price": "1e999999999"}, "at price"),
        ({"raw": "secret!"}, "at raw"),
        ({"list": [{"x": 1}, {"x": "secret"}]}, r"at list\[1\]\.x"),
        ({"list": [{"x": 1, "again": {"x": 1, "again": {"x": "secret"}}}]}, r"at list\[0\]\.again\.again\.x"),
        ({"list": {"x": 1}}, "at list"),
        ({"map": []}, "at map"),
        ({"more": "secret"}, "has no more"),
        ({"list": [{"x": 2**31}]}, r"at list\[0\]\.x"),
        ({"price": "123456789.001"}, r"the document does not fit its Avro schema \(ValueError\)"),
    ],
)
def test_what_does_not_fit(change, told):
    """Its place is named, and nothing that stands there."""
    with pytest.raises(Misfit, match=told) as misfit:
        WRITE({**LEAST, **change})
    assert "secret" not in str(misfit.value)


def test_a_document_that_is_too_deep():
    """It is told as any other that does not fit."""
    document: Any = None
    for _ in range(1_000):
        document = {"next": document}
    schema = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}
    with pytest.raises(Misfit, match="nested too deep"):
        AvroWriter(avro_schema(schema))(document)


@pytest.mark.parametrize(("schema", "document"), [(SCHEMA, []), (SCHEMA, {}), ("string", 1)])
def test_no_such_document_at_all(schema, document):
    """It is told, too."""
    with pytest.raises(Misfit, match="does not fit the Avro schema at"):
        AvroWriter(avro_schema(schema))(document)
