"""Values as serializers for schema registries write them, and a fake registry."""

import asyncio
import io
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import fastavro
import orjson

from worker.customer.documents import Unreadable
from worker.events.registered.schema import Read, Referred, Schema, reader_of
from worker.events.registered.wire import HEADER, SchemaKey
from worker.model.errors import SchemaRegistryUnavailable

CUSTOMER: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Customer",
    "namespace": "com.example",
    "fields": [
        {"name": "type", "type": {"type": "enum", "name": "Kind", "symbols": ["individual", "group"]}},
        {"name": "pin", "type": ["null", "string"], "default": None},
        {
            "name": "contactPersons",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Person",
                    "fields": [
                        {"name": "firstName", "type": "string"},
                        {"name": "dateOfBirth", "type": ["null", {"type": "int", "logicalType": "date"}]},
                        {"name": "dependents", "type": ["null", "int", "string"]},
                    ],
                },
            },
        },
    ],
}
"""A customer in another team's Avro schema, which the worker reads as JSON."""

MOST: Final = 1024 * 1024
"""The largest size in bytes of a value as JSON."""
GUID: Final = UUID("5f3a4e0c-6a54-4b0e-9df1-8f6f6f6f6f6f")


def avro(schema: Any, value: Any, *references: Any) -> bytes:  # any form of a schema, any value
    """The value in Avro by that schema, without a prefix that names the schema."""
    named: dict[str, Any] = {}
    for each in references:
        fastavro.parse_schema(each, named_schemas=named)
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(schema, named_schemas=named), value)
    return written.getvalue()


def avro_schema(schema: Any, *references: Any) -> Schema:  # as above
    """The schema as a registry would return it."""
    referred = tuple(Referred(f"r{number}", orjson.dumps(each).decode()) for number, each in enumerate(references))
    return Schema("AVRO", orjson.dumps(schema).decode(), referred)


def numbered(body: bytes, schema: int = 7) -> bytes:
    """A value after the prefix that names its schema by number."""
    return b"\0" + schema.to_bytes(4, "big") + body


def guid_header(guid: UUID = GUID, rest: bytes = b"") -> tuple[str, bytes]:
    """The header that names a value's schema by GUID."""
    return HEADER, b"\1" + guid.bytes + rest


def customer_value(name: str = "Jack", schema: int = 7) -> bytes:
    """A customer in Avro, with the prefix."""
    person = {"firstName": name, "dateOfBirth": None, "dependents": 4}
    return numbered(avro(CUSTOMER, {"type": "individual", "pin": None, "contactPersons": [person]}), schema)


@dataclass
class FakeRegistry:
    """Answers from memory; while `down` it is unavailable; `script` has errors for the next questions on a schema."""

    schemas: dict[SchemaKey, Schema] = field(default_factory=lambda: {7: avro_schema(CUSTOMER)})
    down: str | None = None
    script: dict[SchemaKey, deque[Exception]] = field(default_factory=dict)
    asked: Counter[SchemaKey] = field(default_factory=Counter)

    async def reader(self, key: SchemaKey) -> Read:
        self.asked[key] += 1
        await asyncio.sleep(0)
        if self.down:
            raise SchemaRegistryUnavailable(self.down)
        if scripted := self.script.get(key):
            raise scripted.popleft()
        if key not in self.schemas:
            raise Unreadable("the registry says that it does not have this schema")
        return reader_of(self.schemas[key])


@dataclass
class KnownReaders:
    """Schemas that were all fetched before."""

    schemas: dict[SchemaKey, Schema] = field(default_factory=lambda: {7: avro_schema(CUSTOMER)})

    def reader(self, schema: SchemaKey) -> Read:
        if schema not in self.schemas:
            raise SchemaRegistryUnavailable(f"schema {schema} was not asked for yet")
        return reader_of(self.schemas[schema])
