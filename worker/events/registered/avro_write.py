"""Writes JSON as Avro, the reverse of `avro`, and says where a document does not fit its schema."""

import base64
import binascii
import datetime
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from io import BytesIO
from typing import Any, Final

import fastavro

from worker.customer.documents import Json
from worker.events.registered.as_json import MAX_SCALE
from worker.events.registered.avro import Named, parsed
from worker.events.registered.schema import Schema


class Misfit(ValueError):
    """The document does not fit; the text names the place, and nothing that stands there."""


class AvroWriter:
    """Writes documents with one schema. Raises Unreadable where it is no Avro schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema, named = parsed(schema)
        self._fit = _Fit(named)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the top record's fields; none where the schema is no record."""
        return (
            frozenset(each["name"] for each in self._schema.get("fields", ()))
            if isinstance(self._schema, dict)
            else frozenset()
        )

    def __call__(self, document: Json) -> bytes:
        """The document as Avro. Raises Misfit."""
        written = BytesIO()
        try:
            fastavro.schemaless_writer(written, self._schema, self._fit(self._schema, document, ""))
        except Misfit:
            raise
        except RecursionError:
            raise Misfit("the document is nested too deep") from None
        except (ValueError, TypeError, OverflowError, ArithmeticError) as error:
            raise Misfit(f"the document does not fit its Avro schema ({type(error).__name__})") from None
        return written.getvalue()


class _Fit:
    """Converts a document's values to the types that the Avro library takes."""

    def __init__(self, named: Named) -> None:
        self._named = named

    def __call__(self, schema: Any, value: Json, path: str) -> Any:  # noqa: ANN401  any form of a schema, any value
        if isinstance(schema, list):
            return self._union(schema, value, path)
        if isinstance(schema, str):
            return self(self._named[schema], value, path) if schema in self._named else _primitive(schema, value, path)
        logical = schema.get("logicalType")
        if isinstance(logical, str) and (made := _LOGICAL.get(logical)):
            return _made(made, value, path)
        return self._of_type(schema, value, path)

    def _of_type(self, schema: dict[str, Any], value: Json, path: str) -> Any:  # noqa: ANN401  as above
        match schema["type"]:
            case "record" | "error":
                return dict(self._fields(schema["fields"], value, path))
            case "array" if isinstance(value, list):
                return [self(schema["items"], each, f"{path}[{number}]") for number, each in enumerate(value)]
            case "map" if isinstance(value, dict):
                return {name: self(schema["values"], each, _at(path, name)) for name, each in value.items()}
            case "enum" if value in schema["symbols"]:
                return value
            case "fixed":
                return _made(_bytes, value, path)
            case "array" | "map" | "enum":
                raise _misfit(path)
            case other:
                return self(other, value, path)

    def _union(self, branches: list[Any], value: Json, path: str) -> Any:  # noqa: ANN401  as above
        """The value by the first branch that it fits. Raises Misfit."""
        misfit = _misfit(path)
        for branch in branches:
            try:
                return self(branch, value, path)
            except Misfit as error:
                # A value that fits no branch is told by the place that is deepest in the document.
                misfit = max(misfit, error, key=lambda each: len(str(each)))
        raise misfit

    def _fields(self, fields: list[dict[str, Any]], value: Json, path: str) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, dict):
            raise _misfit(path)
        known = {field["name"] for field in fields}
        if unknown := next((name for name in value if name not in known), None):
            raise Misfit(f"the Avro schema has no {_at(path, unknown)}")
        for field in fields:
            name = field["name"]
            if name in value:
                yield name, self(field["type"], value[name], _at(path, name))
            elif "default" not in field:
                yield name, self(field["type"], None, _at(path, name))


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _misfit(path: str) -> Misfit:
    return Misfit(f"does not fit the Avro schema at {path or 'its top'}")


def _primitive(name: str, value: Json, path: str) -> Any:  # noqa: ANN401  any value
    if name == "bytes":
        return _made(_bytes, value, path)
    fits = isinstance(value, _TYPES[name]) and isinstance(value, bool) == (name == "boolean")
    if not fits or (isinstance(value, int) and not _in_range(name, value)):
        raise _misfit(path)
    return value


def _in_range(name: str, value: int) -> bool:
    return name not in _BITS or -(1 << _BITS[name]) <= value < 1 << _BITS[name]


def _made(make: Callable[[str], Any], value: Json, path: str) -> Any:  # noqa: ANN401  any value
    try:
        return make(value if isinstance(value, str) else _number(value))
    except (ValueError, TypeError, InvalidOperation, binascii.Error):
        raise _misfit(path) from None


def _number(value: Json) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _decimal(text: str) -> Decimal:
    """The number; one that no value could be read as is none, since writing its digits could take for ever."""
    found = Decimal(text)
    if found.is_finite() and found.adjusted() > MAX_SCALE:
        raise ValueError
    return found


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
}

_BITS: Final = {"int": 31, "long": 63}

_LOGICAL: Final[dict[str, Callable[[str], Any]]] = {
    "date": datetime.date.fromisoformat,
    "time-millis": datetime.time.fromisoformat,
    "time-micros": datetime.time.fromisoformat,
    "timestamp-millis": datetime.datetime.fromisoformat,
    "timestamp-micros": datetime.datetime.fromisoformat,
    "local-timestamp-millis": datetime.datetime.fromisoformat,
    "local-timestamp-micros": datetime.datetime.fromisoformat,
    "decimal": _decimal,
    "uuid": uuid.UUID,
}
