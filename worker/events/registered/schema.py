"""A schema as a registry has it, and the reader of the values that name it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from worker.customer.documents import Unreadable
from worker.events.registered.wire import SchemaKey

SchemaType = Literal["AVRO", "JSON", "PROTOBUF"]

Read = Callable[[bytes, int], bytes]
"""Turns a value, without what names its schema, into JSON of at most so many bytes.

Raises Unreadable, which quotes nothing of the value. The JSON may be a little longer than asked for: the caller checks
its size.
"""


@dataclass(frozen=True, slots=True)
class Referred:
    """Another schema that a schema builds on, by the name that it uses for it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema. Each of `references` comes before what refers to it; `descriptors` are a compiled Protobuf schema's."""

    type: SchemaType
    text: str
    references: tuple[Referred, ...] = ()
    descriptors: bytes = b""


class Readers(Protocol):
    """What is known of the registry's schemas without asking it."""

    def reader(self, schema: SchemaKey) -> Read:
        """The reader of values with that schema.

        Raises Unreadable where the schema cannot be used, and SchemaRegistryUnavailable before it was fetched.
        """


def reader_of(schema: Schema) -> Read:
    """A reader for the schema's values.

    Raises Unreadable where the schema cannot be used, whatever its library raises.
    """
    try:
        return _reader_of(schema)
    except (Unreadable, ImportError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  a registry takes more schemas than can be read by, and none changes
        raise Unreadable(f"nothing can be read by it ({type(error).__name__})") from None


def _reader_of(schema: Schema) -> Read:
    # Each library is imported when a schema needs it: they are installed by an extra only.
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
    """A reader that raises Unreadable for each value, since its schema cannot be used."""

    def refuse(_: bytes, __: int) -> bytes:
        raise Unreadable(why)

    return refuse


def _as_it_is(body: bytes, _: int) -> bytes:
    """A value with a JSON Schema is JSON already; the customer's own rules decide whether it is a customer."""
    return body
