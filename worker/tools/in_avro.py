"""Writes events of a file in Avro, by a schema of the registry, as a producer with Confluent's serializer does."""

from dataclasses import dataclass, replace

import orjson

from worker.customer.documents import Json, Unreadable
from worker.events.registered.avro_write import AvroWriter, Misfit
from worker.events.registered.schema import Schema
from worker.events.registered.wire import numbered
from worker.model.errors import StartupError
from worker.model.records import Headers
from worker.tools.reading.event_file import Event, Problem


@dataclass(frozen=True, slots=True)
class InAvro:
    """Writes an event in Avro. A CloudEvent's attributes go into headers and its data into the value.

    Where the schema describes the whole event, all goes into the value. A tombstone is left as it is.
    """

    id: int
    write: AvroWriter

    def __call__(self, event: Event) -> Event | Problem:
        if event.value is None:
            return event
        try:
            document = orjson.loads(event.value)
        except orjson.JSONDecodeError:
            return Problem(event.line, "not JSON, so that no Avro can be made of it")
        headers, data = event.headers, document
        if isinstance(document, dict) and "specversion" in document and "specversion" not in self.write.fields:
            headers, data = _attributes(document), document.get("data")
        try:
            return replace(event, value=numbered(self.id, self.write(data)), headers=headers)
        except Misfit as misfit:
            return Problem(event.line, str(misfit))


def in_avro(subject: str, number: int, schema: Schema) -> InAvro:
    """The writer for a subject's newest schema. StartupError where that is not Avro."""
    if schema.type != "AVRO":
        raise StartupError(f"the newest schema of {subject} is {schema.type}, not AVRO")
    try:
        return InAvro(number, AvroWriter(schema))
    except Unreadable as error:
        raise StartupError(f"the newest schema of {subject}: {error}") from None


def _attributes(document: dict[str, Json]) -> Headers:
    told = ((name, value) for name, value in document.items() if name not in {"data", "datacontenttype"})
    return tuple((f"ce_{name}", _text(value).encode()) for name, value in told if value is not None)


def _text(value: Json) -> str:
    """An attribute as CloudEvents has it in a header."""
    return str(value).lower() if isinstance(value, bool) else str(value)
