"""A schema as a registry has it, and what reads the values that name it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from worker.customer.documents import Unreadable
from worker.events.registered.wire import SchemaKey

SchemaType = Literal["AVRO", "JSON", "PROTOBUF"]

Read = Callable[[bytes, int], bytes]
"""From a value, without what names its schema, to the same as JSON; the number is the bytes that this may have.

Raises Unreadable, which quotes nothing of the value. What little the JSON is longer than that is left to the caller: no
reader makes much more.
"""


@dataclass(frozen=True, slots=True)
class Referred:
    """Another schema that one builds on, by the name that it uses for it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Schema:
    """`references` come before what refers to them. The descriptors are a compiled Protobuf schema's."""

    type: SchemaType
    text: str
    references: tuple[Referred, ...] = ()
    descriptors: bytes = b""


class Readers(Protocol):
    """What is known of the registry's schemas without asking it."""

    def reader(self, schema: SchemaKey) -> Read:
        """Raises Unreadable where the schema cannot be used, and SchemaRegistryUnavailable before it was fetched."""


def reader_of(schema: Schema) -> Read:
    """Raises Unreadable where no value can be read by it, whatever its library says then."""
    try:
        return _reader_of(schema)
    except (Unreadable, ImportError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  a registry takes more schemas than can be read by, and none changes
        raise Unreadable(f"nothing can be read by it ({type(error).__name__})") from None


def _reader_of(schema: Schema) -> Read:
    # Each library is imported once a schema needs it: they are an extra's.
    match schema.type:
        case "JSON":
            return _as_it_is
        case "AVRO":
            from worker.events.registered.avro import avro_reader  # noqa: PLC0415

            return avro_reader(schema)
        case "PROTOBUF":
            from worker.events.registered.protobuf import protobuf_reader  # noqa: PLC0415

            return protobuf_reader(schema.descriptors)


def refusing(why: str) -> Read:
    """For values whose schema cannot be used."""

    def refuse(_: bytes, __: int) -> bytes:
        raise Unreadable(why)

    return refuse


def _as_it_is(body: bytes, _: int) -> bytes:
    """A value with a JSON Schema is JSON; whether a customer can be made of it the customer's own rules say."""
    return body
