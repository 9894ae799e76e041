"""Protobuf values as JSON, by schemas that are compiled from their text."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from registered import MOST

from worker.customer.documents import Unreadable
from worker.events.registered.protobuf import protobuf_reader
from worker.events.registered.schema import Referred, Schema, reader_of
from worker.model.errors import SchemaRegistryUnavailable
from worker.schema_registry import protoc
from worker.schema_registry.protoc import compiled

ADDRESS = Referred("acme/address.proto", 'syntax = "proto3"; package acme; message Address { string city = 1; }')
LEAD = """
syntax = "proto3";
package acme.crm;
import "acme/address.proto";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "google/type/decimal.proto";
import "google/type/timeofday.proto";
message Other { string x = 1; }
message Lead {
  option (confluent.message_meta).doc = "somebody who may buy";
  message Inner { int32 x = 1; repeated Inner more = 2; }
  enum Kind { NONE = 0; GROUP = 1; }
  string first_name = 1;
  acme.Address home = 2;
  google.protobuf.Timestamp at = 3;
  Kind kind = 4;
  Inner inner = 5;
  google.type.Date born = 6;
  google.protobuf.StringValue nick = 7;
  confluent.type.Decimal balance = 8;
  map<string, int64> counts = 9;
  oneof contact { string email = 10; string phone = 11; }
  optional string maybe = 12;
  uint64 big = 13;
  float f = 14;
  bytes raw = 15;
  google.protobuf.Struct rest = 16;
  repeated string tags = 17;
  google.type.TimeOfDay call_at = 18;
  map<bool, Inner> by_flag = 19;
  google.protobuf.Any any = 20;
  google.type.Decimal rate = 21;
  google.protobuf.Int64Value wrapped = 22;
  repeated google.protobuf.Any more = 23;
}
"""
PROTO2 = """
message A {
  optional string country = 1 [default = "US"];
  optional int32 n = 2;
  oneof o { string x = 3 [default = "d"]; string y = 4; }
  repeated group G = 5 { optional int32 z = 6; }
}
"""
FIRST, LEAD_IS = b"\0", b"\x02\x02"


@pytest.fixture(scope="module")
def descriptors():
    return asyncio.run(compiled(LEAD, (ADDRESS,)))


@pytest.fixture(scope="module")
def lead(descriptors):
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("acme.crm.Lead"))


def test_every_kind_of_field(descriptors, lead):
    """As Protobuf's own JSON has them; what was set to its default is there where the schema can tell."""
    made = lead(first_name="Jack", kind=1, email="", maybe="", big=2**63, f=1.1, raw=b"\xff", tags=["a", "b"])
    made.home.city = "Pune"
    made.at.FromJsonString("2026-01-02T03:04:05.5Z")
    made.inner.more.add(x=3)
    made.born.year, made.born.month, made.born.day = 1990, 2, 28
    made.nick.value = ""
    made.balance.value, made.balance.scale = (-1230).to_bytes(2, "big", signed=True), 2
    made.counts["a"] = 5
    made.rest["q"] = [True, {"a": None}]
    made.call_at.hours, made.call_at.nanos = 9, 500_000_000
    made.by_flag[True].x = 5
    made.any.type_url, made.any.value = "type.googleapis.com/acme.Address", b"\x0a\x04Pune"
    made.more.add(type_url="x/google.type.Date", value=b"\x08\xc6\x0f\x10\x02\x18\x1c")
    made.more.add()
    made.rate.value = "0.10"
    made.wrapped.value = 7
    told = protobuf_reader(descriptors)(LEAD_IS + made.SerializeToString(), MOST)
    assert protobuf_reader(descriptors)(LEAD_IS + made.SerializeToString(), len(told)) == told, "what fits is refused"
    assert orjson.loads(told) == {
        "firstName": "Jack",
        "home": {"city": "Pune"},
        "at": "2026-01-02T03:04:05.500Z",
        "kind": "GROUP",
        "inner": {"more": [{"x": 3}]},
        "born": "1990-02-28",
        "nick": "",
        "balance": "-12.30",
        "counts": {"a": "5"},
        "email": "",
        "maybe": "",
        "big": str(2**63),
        "f": 1.1,
        "raw": "/w==",
        "rest": {"q": [True, {"a": None}]},
        "tags": ["a", "b"],
        "callAt": "09:00:00.5",
        "byFlag": {"true": {"x": 5}},
        "any": {"@type": "type.googleapis.com/acme.Address", "city": "Pune"},
        "more": [{"@type": "x/google.type.Date", "value": "1990-02-28"}, {}],
        "rate": "0.10",
        "wrapped": "7",
    }


def test_what_is_not_set(descriptors):
    """It is absent, or its schema's own default where that names one."""
    assert protobuf_reader(descriptors)(LEAD_IS, MOST) == b"{}"
    read = protobuf_reader(asyncio.run(compiled(PROTO2, ())))
    assert orjson.loads(read(FIRST, MOST)) == {"country": "US", "x": "d"}
    assert orjson.loads(read(FIRST + b"\x22\x01q\x2b\x30\x05\x2c", MOST)) == {
        "country": "US",
        "y": "q",
        "g": [{"z": 5}],
    }


def test_which_message_it_is(descriptors):
    """A zero is the file's first; otherwise so many numbers, of which each next one counts inside the one before."""
    read = protobuf_reader(descriptors)
    assert read(FIRST + b"\x0a\x01q", MOST) == b'{"x":"q"}'
    assert read(b"\x04\x02\x00" + b"\x08\x05", MOST) == b'{"x":5}'


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "does not say which message"),
        (b"\x01", "does not say which message"),
        (b"\xff" * 9, "does not say which message"),
        (b"\x7e" + b"\x00" * 70, "does not say which message"),
        (b"\x02\x09", "is a message that its"),
        (b"\x02\x63", "is a message that its"),
        (LEAD_IS + b"\xff", "is not as"),
        (LEAD_IS + b"\x0a\x02\xff\xfe", "is not as"),
        (LEAD_IS + b"\xa2\x01\x0b\x0a\x09nope/no.X", "is not as"),
        (LEAD_IS + b"\x42\xac\x02\x0a\xa9\x02" + b"\x7f" * 297, "is not as"),
        (LEAD_IS + b"\x42\x06\x18\xff\xff\xff\xff\x07", "is not as"),
    ],
)
def test_bytes_that_are_no_such_value(descriptors, body, told):
    """They are refused, and nothing of them is quoted."""
    with pytest.raises(Unreadable, match=rf"^the value {told}"):
        protobuf_reader(descriptors)(body, MOST)


LONG = "A" * 2000
WIDE = f"""
syntax = "proto2";
import "google/protobuf/any.proto";
import "confluent/type/decimal.proto";
enum E {{ {LONG} = 0; }}
message Defaults {{ optional string text = 1 [default = "{LONG}"]; }}
message Names {{ optional int32 {LONG.lower()} = 1; }}
message Enums {{ repeated E e = 1 [packed = true]; }}
message All {{
  repeated Defaults defaults = 1;
  repeated Names names = 2;
  repeated E enums = 3 [packed = true];
  repeated google.protobuf.Any any = 4;
  repeated confluent.type.Decimal decimals = 5;
}}
"""


@pytest.fixture(scope="module")
def wide():
    return protobuf_reader(asyncio.run(compiled(WIDE, ())))


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x00" * 1000,
        b"\x12\x02\x08\x01" * 1000,
        b"\x1a\xe8\x07" + b"\0" * 1000,
        b"\x22\xf4\x07\x0a\x06/Enums\x12\xe9\x07\x0a\xe6\x07" + b"\0" * 998,
        b"\x2a\x06\x0a\x01\x01\x18\xe7\x07" * 1000,
    ],
    ids=["defaults", "names of fields", "symbols", "symbols inside of Any", "decimals"],
)
def test_json_that_is_longer_than_its_bytes(wide, body):
    """Its size is counted while it is made, and what would have more than it may is never made whole."""
    assert len(wide(b"\x02\x06" + body, 10 * MOST)) > 900_000
    with pytest.raises(Unreadable, match=r"^the value as JSON has more than the 100000 bytes allowed$"):
        wide(b"\x02\x06" + body, 100_000)


@pytest.mark.parametrize(
    ("text", "references", "told"),
    [
        ("nonsense", (), r"schema-of-the-value\.proto:1:1"),
        ('syntax = "proto3"; import "x.proto"; message A {}', (), r"x\.proto"),
        ('syntax = "proto3";\nmessage A { B b = 1; }', (), r"schema-of-the-value\.proto:2:13: \"B\" is not defined"),
        (
            'syntax = "proto3";',
            (
                Referred(
                    "../../x.proto",
                    "",
                ),
            ),
            "no relative path",
        ),
    ],
)
async def test_a_schema_that_cannot_be_compiled(text, references, told):
    """The compiler's first complaint is told, without a place on this machine."""
    with pytest.raises(Unreadable, match=told) as refused:
        await compiled(text, references)
    assert "customer-worker-schema" not in str(refused.value)


@pytest.mark.parametrize(
    "names", [("",), (".",), ("a\0b",), ("x" * 300,), ("a", "a/b.proto"), ("a/b.proto", "a"), ("a", "a/b/c.proto")]
)
async def test_a_reference_whose_name_no_file_can_have(names):
    """Nothing can be read by such a schema, ever: that is no outage."""
    with pytest.raises(Unreadable, match="imports a file by a name that none can have"):
        await compiled(PROTO2, tuple(Referred(name, "") for name in names))


async def test_a_reference_with_the_name_of_the_schema_s_own_file():
    """It takes nothing from it."""
    descriptors = await compiled(PROTO2, (Referred("schema-of-the-value.proto", 'syntax = "proto3"; message Z {}'),))
    assert orjson.loads(protobuf_reader(descriptors)(FIRST, MOST)) == {"country": "US", "x": "d"}


@pytest.mark.parametrize("signal", [9, 15])
async def test_a_compiler_that_is_ended_from_outside(signal, tmp_path, monkeypatch):
    """The schema may be right: it is tried again."""
    compiler = tmp_path / "python"
    compiler.write_text(f"#!/bin/sh\nkill -{signal} $$\n")
    compiler.chmod(0o700)
    monkeypatch.setattr(protoc, "sys", SimpleNamespace(executable=str(compiler)))
    with pytest.raises(SchemaRegistryUnavailable, match="ended from outside"):
        await compiled(PROTO2, ())


@dataclass
class FakeProcess:
    """One whose waiting ends so, and that may have ended when it is killed."""

    waited: Callable[[], Awaitable[Any]]
    killed: Callable[[], None]

    async def communicate(self):
        return await self.waited()

    def kill(self):
        self.killed()

    async def started(self, *_, **__):
        return self


async def test_a_compiler_that_does_not_end(monkeypatch):
    """It is ended, and the hold's line says so."""
    killed = []
    process = FakeProcess(asyncio.Event().wait, lambda: killed.append(True))
    monkeypatch.setattr(asyncio, "create_subprocess_exec", process.started)
    monkeypatch.setattr(protoc, "WITHIN", 0.01)
    with pytest.raises(SchemaRegistryUnavailable, match="longer than"):
        await compiled(PROTO2, ())
    assert killed


async def test_a_cancellation_as_the_compiler_ends(monkeypatch):
    """It stays one: whoever cancels waits for that."""

    async def waited():
        raise asyncio.CancelledError

    def killed():
        raise ProcessLookupError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", FakeProcess(waited, killed).started)
    with pytest.raises(asyncio.CancelledError):
        await compiled(PROTO2, ())


async def test_a_schema_that_compiles_and_that_nothing_can_be_read_by():
    """Its library refuses it in its own words, each time: that is no outage either."""
    text = "message A { optional string a_b = 1; optional string aB = 2; }"
    schema = Schema("PROTOBUF", text, (), await compiled(text, ()))
    with pytest.raises(Unreadable, match=r"nothing can be read by it \(TypeError\)"):
        reader_of(schema)
