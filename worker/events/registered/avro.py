"""Avro: what a schema's author may not do to a worker that reads by it, and values as JSON."""

from io import BytesIO
from typing import Any, Final

import fastavro
import orjson
from fastavro import _read_py as pure
from fastavro.schema import SchemaParseException, UnknownType
from fastavro.types import Schema as Parsed

from worker.customer.documents import Unreadable
from worker.events.registered import avro_types
from worker.events.registered.as_json import as_json
from worker.events.registered.schema import Read, Schema

_NESTED: Final = 64
"""Levels of a schema at most; the compiled reader of one has no limit of its own."""

Named = dict[str, dict[str, Any]]

avro_types.use()


def avro_reader(schema: Schema) -> Read:
    """By the schema that the value was written with; where a union has a null the value is one, or is there."""
    loaded, named = parsed(schema)
    shape = _Shape(named)
    shape.weight(loaded, frozenset())
    # The compiled reader ends the process on a value that is nested a thousand levels deep (fastavro 1.13).
    read = pure.schemaless_reader if shape.recursive else fastavro.schemaless_reader

    def to_json(body: bytes) -> bytes:
        raw = BytesIO(body)
        try:
            value = read(raw, loaded, None)
        except Exception as error:  # noqa: BLE001  whatever it meets in the bytes: they are not what the schema says
            raise Unreadable(f"the value is not as its Avro schema says ({type(error).__name__})") from None
        if raw.tell() != len(body):
            raise Unreadable("the value goes on after what its Avro schema says")
        return as_json(value)

    return to_json


def parsed(schema: Schema) -> tuple[Parsed, Named]:
    """As fastavro takes it, and the types that have a name. Unreadable where it is no Avro schema."""
    named: Named = {}
    try:
        for referred in schema.references:
            fastavro.parse_schema(_loaded(referred.text), named_schemas=named)
        return fastavro.parse_schema(_loaded(schema.text), named_schemas=named), named
    except (SchemaParseException, UnknownType, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Unreadable(f"it is no Avro schema ({type(error).__name__})") from None


def _loaded(text: str) -> Parsed:
    """A name alone is a schema, too, and some registries keep it without its quotes."""
    try:
        loaded: Parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        if text.isidentifier():
            return text
        raise
    return loaded


class _Shape:
    """What a value of a schema can do to its reader: nest without end, or repeat what takes no bytes."""

    def __init__(self, named: Named) -> None:
        self._named = named
        self._known: dict[str, bool] = {}
        self.recursive = False

    def weight(self, schema: Any, within: frozenset[str], depth: int = 0) -> bool:  # noqa: ANN401  any form of a schema
        """Whether each value takes a byte at least. Raises Unreadable for lists of what does not: one byte of length
        would ask for any number of them.
        """
        if depth > _NESTED:
            raise Unreadable(f"its Avro schema is nested deeper than {_NESTED} levels")
        if isinstance(schema, list):
            for branch in schema:
                self.weight(branch, within, depth + 1)
            return True
        if isinstance(schema, str):
            return self._of_name(schema, within, depth)
        return self._of_type(schema, within, depth)

    def _of_name(self, name: str, within: frozenset[str], depth: int) -> bool:
        if name in within:
            self.recursive = True
            return True
        if name in self._known:
            return self._known[name]
        return self.weight(self._named[name], within, depth) if name in self._named else name != "null"

    def _of_type(self, schema: dict[str, Any], within: frozenset[str], depth: int) -> bool:
        match schema["type"]:
            case "record" | "error":
                inside = within | {schema["name"]}
                weights = [self.weight(field["type"], inside, depth + 1) for field in schema["fields"]]
                self._known[schema["name"]] = any(weights)
                return any(weights)
            case "array":
                if not self.weight(schema["items"], within, depth + 1):
                    raise Unreadable("its Avro schema has a list of what takes no bytes, which may be of any length")
                return True
            case "map":
                self.weight(schema["values"], within, depth + 1)
                return True
            case "fixed":
                return bool(schema["size"] > 0)
            case "enum":
                return True
            case other:
                return self.weight(other, within, depth + 1)
