"""Which schema a value names, as the serializers of schema registries write it: before the value, or in a header."""

from typing import Final, NamedTuple
from uuid import UUID

from worker.customer.documents import Unreadable
from worker.model.records import Record

SchemaKey = int | UUID
"""A schema's number in the registry, or its GUID."""

HEADER: Final = "__value_schema_id"
_BY_NUMBER, _BY_GUID = 0, 1
_ENDS: Final = {_BY_NUMBER: 5, _BY_GUID: 17}
"""Each magic byte, and how many bytes it takes with the id behind it. No JSON or XML begins with either."""


class Framed(NamedTuple):
    """The schema that a value names, and the bytes that are to be read with it."""

    schema: SchemaKey
    body: bytes


def is_framed(record: Record) -> bool:
    """Whether the value names a schema, be it incompletely."""
    value = record.value
    return value is not None and value != b"" and (value[0] in _ENDS or bool(record.header(HEADER)))


def framed(record: Record) -> Framed | None:
    """The schema that the value names, and its bytes; None where it names none. Unreadable for an incomplete name.

    What follows the GUID in a header (which message of a Protobuf file it is) otherwise stands before the value, and is
    put there.
    """
    if not record.value:
        return None
    if named := record.header(HEADER):
        schema, rest = _read(named, f"the header {HEADER}")
        return Framed(schema, rest + record.value)
    return Framed(*_read(record.value, "the value")) if record.value[0] in _ENDS else None


def numbered(schema: int, body: bytes) -> bytes:
    """The bytes of a value that names its schema by number."""
    return bytes([_BY_NUMBER]) + schema.to_bytes(4, "big") + body


def _read(raw: bytes, where: str) -> tuple[SchemaKey, bytes]:
    end = _ENDS.get(raw[0])
    if end is None or len(raw) < end:
        raise Unreadable(f"{where} does not name a schema of the registry as a magic byte and an id do")
    told = raw[1:end]
    return int.from_bytes(told, "big") if raw[0] == _BY_NUMBER else UUID(bytes=told), raw[end:]
