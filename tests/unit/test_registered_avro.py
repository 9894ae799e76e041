"""Avro values as JSON: what people expect of each type, and what no value can do to its reader."""

import datetime
import tracemalloc
from decimal import Decimal
from typing import Any

import orjson
import pytest
from registered import MOST, avro, avro_schema

from worker.customer.documents import Unreadable
from worker.events.registered.schema import Schema, reader_of

UTC = datetime.UTC
ADDRESS = {"type": "record", "name": "com.example.Address", "fields": [{"name": "city", "type": "string"}]}
LIST = {"type": "record", "name": "L", "fields": [{"name": "next", "type": ["null", "L"]}]}


def as_json(schema, value, *references):
    read, body = reader_of(avro_schema(schema, *references)), avro(schema, value, *references)
    made = read(body, MOST)
    assert read(body, len(made)) == made, "what fits is refused"
    return orjson.loads(made)


def logical(base, kind, **more):
    return {"type": base, "logicalType": kind, **more}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (logical("int", "date"), datetime.date(1990, 2, 28), "1990-02-28"),
        (logical("int", "time-millis"), datetime.time(1, 2, 3), "01:02:03"),
        (logical("long", "time-micros"), datetime.time(1, 2, 3, 4), "01:02:03.000004"),
        (
            logical("long", "timestamp-millis"),
            datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "2026-01-02T03:04:05Z",
        ),
        (logical("long", "timestamp-nanos"), 1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (logical("long", "local-timestamp-nanos"), 1_000_000_001, "1970-01-01T00:00:01.000000001"),
        (logical("long", "local-timestamp-millis"), datetime.datetime(2026, 1, 2), "2026-01-02T00:00:00"),  # noqa: DTZ001
        (
            logical("bytes", "decimal", precision=30, scale=4),
            Decimal("-12345678901234567890.1200"),
            "-12345678901234567890.1200",
        ),
        (logical("fixed", "decimal", name="F", size=8, precision=9, scale=2), Decimal("1.50"), "1.50"),
        (logical("bytes", "decimal", precision=4), Decimal(0), "0"),
        (logical("string", "uuid"), "6f1f9ab8-9d3a-4c51-8bd0-2f3f7a1c2f11", "6f1f9ab8-9d3a-4c51-8bd0-2f3f7a1c2f11"),
        (logical("fixed", "duration", name="D", size=12), b"\1\0\0\0\2\0\0\0\xdc\x05\0\0", "P1M2DT1.500S"),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        (
            {"type": "map", "values": ["null", "long", "boolean"]},
            {"a": None, "b": 2**62, "c": True},
            {"a": None, "b": 2**62, "c": True},
        ),
        (["null", "string", "int"], "text", "text"),
        (["null", "string"], None, None),
        ("bytes", b"\xff\0", "/wA="),
        ("double", float("nan"), None),
        ({"type": "array", "items": "string"}, [], []),
        (LIST, {"next": {"next": None}}, {"next": {}}),
        ("float", 1.1, 1.1),
        (logical("string", "date"), "a", "a"),
        (logical("string", ["x"]), "a", "a"),
        (logical("int", {}), 7, 7),
        (logical("bytes", "decimal", precision=4, scale=None), b"\xff", "/w=="),
    ],
)
def test_a_type(schema, value, expected):
    """A branch of a union is its value alone; whatever JSON has no type for is a text, with all its digits."""
    assert as_json(schema, value) == expected


def test_references():
    """A name of another schema of the registry is what that one says."""
    schema = {
        "type": "record",
        "name": "com.example.Lead",
        "fields": [{"name": "home", "type": ["null", "com.example.Address"]}],
    }
    assert as_json(schema, {"home": {"city": "Pune"}}, ADDRESS) == {"home": {"city": "Pune"}}


@pytest.mark.parametrize(
    ("schema", "default", "body", "expected"),
    [
        ("string", None, b"\x02a", "a"),
        ("boolean", "false", b"\x01", True),
        ({"type": "array", "items": "string"}, None, b"\0", []),
        ({"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}, "B", b"\0", "A"),
    ],
)
def test_a_default_that_is_no_value_of_its_field(schema, default, body, expected):
    """Registries take such schemas, and nothing is read by a default. A field may be called so."""
    fields = [{"name": "default", "type": schema, "default": default}]
    record = {"type": "record", "name": "com.example.R", "fields": fields}
    for read in (reader_of(avro_schema(record)), reader_of(avro_schema("com.example.R", record))):
        assert orjson.loads(read(body, MOST)) == {"default": expected}


@pytest.mark.parametrize(
    "schema",
    [
        logical("fixed", "duration", name="F", size=8),
        logical("fixed", "uuid", name="F", size=8),
        logical("fixed", "decimal", name="F", size=8, precision=30, scale=2),
        logical("fixed", "decimal", name="F", size=8, precision=2, scale=3),
        logical("fixed", "decimal", name="F", size=8, precision="9"),
        logical("fixed", "decimal", name="F", size=8, precision=9, scale=-1),
    ],
)
def test_a_logical_type_that_is_wrong_in_itself(schema):
    """It is ignored, as Avro demands: the value is its plain bytes."""
    plain = {"type": "fixed", "name": "F", "size": 8}
    read, plainly = (reader_of(avro_schema(each)) for each in (schema, plain))
    assert read(b"12345678", MOST) == plainly(b"12345678", MOST)


def test_a_size_that_means_nothing():
    """Only a `fixed` has one: elsewhere it is a property of whoever wrote the schema."""
    read = reader_of(avro_schema(logical("bytes", "decimal", precision=10, scale=2, size=4)))
    assert orjson.loads(read(b"\x04\x30\x39", MOST)) == "123.45"


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("string", b"\x08abc"),
        ("string", b"\x01abc"),
        ("string", b"\x04\xff\xfe"),
        ("int", b""),
        ("int", b"\x02\x02"),
        ("long", b"\xff" * 50),
        (["null", "string"], b"\x0e"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x0a"),
        ({"type": "array", "items": "string"}, b"\xfe\xff\xff\xff\x0f\0"),
        (logical("long", "timestamp-millis"), b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        (logical("bytes", "decimal", precision=4, scale=2), b"\xa0\x8d\x06" + b"\x7f" * 50_000),
        (LIST, b"\x02" * 1_000_000 + b"\0"),
        ({"type": "record", "name": "N", "fields": [{"name": "next", "type": "N"}]}, b""),
    ],
)
def test_bytes_that_are_no_such_value(schema, body):
    """They are refused, however deep, long or large they claim to be, and nothing of them is quoted."""
    with pytest.raises(
        Unreadable, match=r"^(the value (is not as|goes on after) |has no form in JSON: nested too deep)"
    ):
        reader_of(avro_schema(schema))(body, MOST)


@pytest.mark.parametrize(
    "items",
    [
        "null",
        {"type": "record", "name": "R", "fields": []},
        {"type": "record", "name": "R", "fields": [{"name": "f", "type": {"type": "fixed", "name": "F", "size": 0}}]},
    ],
)
def test_lists_of_what_takes_no_bytes(items):
    """No list is longer than there are bytes left: six could ask for any number of them."""
    read = reader_of(avro_schema({"type": "array", "items": items}))
    assert read(b"\0", MOST) == b"[]"
    with pytest.raises(Unreadable, match="EOFError"):
        read(b"\x80\x80\x80\x80\x02\0", MOST)


@pytest.mark.parametrize("items", ["null", {"type": "record", "name": "R", "fields": []}])
def test_blocks_of_what_takes_no_bytes(items):
    """Many blocks are no way round it, neither in one list nor in lists of lists."""
    blocks = b"\xc8\x01" * 50 + b"\x02" * 100 + b"\0"
    with pytest.raises(Unreadable, match="EOFError"):
        reader_of(avro_schema({"type": "array", "items": items}))(blocks, MOST)
    inner = b"\x80\x08\0"
    outer = {"type": "array", "items": {"type": "array", "items": items}}
    with pytest.raises(Unreadable, match="more than the 100000 bytes"):
        reader_of(avro_schema(outer))(b"\xd0\x0f" + inner * 1000 + b"\0", 100_000)


def doubling(levels):
    """Each record holds the next one twice, and none takes a byte."""
    last: dict[str, Any] = {"type": "record", "name": f"R{levels}", "fields": []}
    for level in reversed(range(levels)):
        fields = [{"name": "a", "type": last}, {"name": "b", "type": f"R{level + 1}"}]
        last = {"type": "record", "name": f"R{level}", "fields": fields}
    return last


@pytest.mark.parametrize(
    ("items", "item"),
    [
        ({"type": "enum", "name": "E", "symbols": ["A" * 2000]}, b"\0"),
        ({"type": "record", "name": "R", "fields": [{"name": "a" * 2000, "type": "int"}]}, b"\0"),
        (logical("bytes", "decimal", precision=1000, scale=999), b"\x02\x01"),
        (doubling(40), b""),
    ],
)
def test_json_that_is_longer_than_its_bytes(items, item):
    """Its size is counted while it is made, and what would have more than it may is never made whole."""
    read = reader_of(avro_schema({"type": "array", "items": items}))
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match=r"^the value as JSON has more than the 100000 bytes allowed$"):
            read(b"\xa0\x9c\x01" + item * 10_000 + b"\0" * 10_000, 100_000)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"type": "nothing"}',
        '{"type": "record", "name": "R", "fields": [{"name": "f", "type": "Unknown"}]}',
        '{"type": "array", "items": ' * 500 + '"int"' + "}" * 500,
        "7",
        '{"type": "fixed", "name": "F", "size": "x"}',
        '{"type": "fixed", "name": "F", "size": -1}',
        '{"type": "record", "name": "R", "fields": [{"name": "f"}]}',
        '{"type": {"type": {"a": 1}}}',
    ],
)
def test_a_schema_that_is_none(text):
    """It is refused before any value is read by it."""
    with pytest.raises(Unreadable):
        reader_of(Schema("AVRO", text))
