"""Avro: makes a reader of values once from their schema."""

from collections.abc import Callable
from typing import Any

import fastavro
import orjson
from fastavro.schema import SchemaParseException, UnknownType
from fastavro.types import Schema as Parsed

from worker.customer.documents import Unreadable
from worker.events.registered import avro_steps as steps
from worker.events.registered.as_json import as_json
from worker.events.registered.avro_types import is_sound, logical
from worker.events.registered.room import Room
from worker.events.registered.schema import Read, Schema

Named = dict[str, dict[str, Any]]


def avro_reader(schema: Schema) -> Read:
    """A reader for values that were written with that schema. Raises Unreadable where it is no Avro schema."""
    loaded, named = parsed(schema, _as_read)
    try:
        read = _Steps(named).of(loaded)
    except RecursionError:
        raise Unreadable("its Avro schema is nested too deep") from None

    def to_json(body: bytes, most: int) -> bytes:
        try:
            value, end = read(steps.Body(body, Room(most)), 0)
        except Unreadable:
            raise
        except Exception as error:  # noqa: BLE001  whatever it meets in the bytes: they are not what the schema says
            raise Unreadable(f"the value is not as its Avro schema says ({type(error).__name__})") from None
        if end != len(body):
            raise Unreadable("the value goes on after what its Avro schema says")
        return as_json(value)

    return to_json


def parsed(schema: Schema, prepare: Callable[[Any], Any] = lambda loaded: loaded) -> tuple[Parsed, Named]:
    """The schema with every name resolved, and its named types. Raises Unreadable where it is no Avro schema.

    `prepare` gets the JSON of each text.
    """
    named: Named = {}
    try:
        for referred in schema.references:
            fastavro.parse_schema(prepare(_loaded(referred.text)), named_schemas=named)
        return fastavro.parse_schema(prepare(_loaded(schema.text)), named_schemas=named), named
    except (SchemaParseException, UnknownType, ValueError, TypeError, KeyError, RecursionError) as error:
        raise Unreadable(f"it is no Avro schema ({type(error).__name__})") from None


def _loaded(text: str) -> Parsed:
    """The schema's JSON. A bare name is a schema, too, and some registries keep it without its quotes."""
    try:
        loaded: Parsed = orjson.loads(text)
    except orjson.JSONDecodeError:
        if text.isidentifier():
            return text
        raise
    return loaded


def _as_read(node: Any) -> Any:  # noqa: ANN401  any JSON
    """The schema without what no value is read by, and what registries take all the same though it is wrong.

    That are defaults of another type than the field's, most often a null for a text, and unsound logical types.
    """
    if isinstance(node, list):
        return [_as_read(each) for each in node]
    if isinstance(node, dict):
        left_out = {"default"} if is_sound(node) else {"default", "logicalType"}
        return {name: _as_read(value) for name, value in node.items() if name not in left_out}
    return node


class _Steps:
    """Makes the steps that read values of a schema's types; a named type has one step, whoever refers to it."""

    def __init__(self, named: Named) -> None:
        self._named = named
        self._made: dict[str, steps.Step | None] = {}

    def of(self, schema: Any) -> steps.Step:  # noqa: ANN401  any form of a schema
        if isinstance(schema, list):
            return steps.union([self.of(branch) for branch in schema], [branch == "null" for branch in schema])
        if isinstance(schema, str):
            return steps.PRIMITIVE.get(schema) or self._of_name(schema)
        base = schema["type"]
        plain = self._of_type(schema, base)
        if convert := logical(base, schema):
            return steps.converted(plain, convert)
        return steps.converted(plain, steps.base64) if base in ("bytes", "fixed") else plain

    def _of_type(self, schema: dict[str, Any], base: Any) -> steps.Step:  # noqa: ANN401  as above
        match base:
            case "record" | "error":
                return self._of_record(schema)
            case "array" | "map":
                many = steps.array if base == "array" else steps.mapping
                return many(self.of(schema["items" if base == "array" else "values"]))
            case "fixed":
                return steps.fixed(schema["size"])
            case "bytes":
                return steps.bytes_of
            case "enum":
                return steps.enum(schema["symbols"])
            case other:
                return self.of(other)

    def _of_record(self, schema: dict[str, Any]) -> steps.Step:
        name = schema["name"]
        self._made[name] = None
        made = self._made[name] = steps.record([(each["name"], self.of(each["type"])) for each in schema["fields"]])
        return made

    def _of_name(self, name: str) -> steps.Step:
        if name not in self._made:
            return self.of(self._named[name])
        # While the type's own step is being made, the type may refer to itself: that step is looked up at the first
        # value.
        return self._made[name] or steps.later(lambda: self._made[name])
