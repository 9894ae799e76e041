"""Reads a CloudEvent's attributes and content from a Kafka record: structured, binary, or a bare value."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.counting import counted
from worker.customer.documents import Json, Unreadable, glimpsed, read_json, read_json_exactly, require_depth
from worker.customer.shape import CUSTOMER, levels
from worker.events.header_dialects import GARBLED, Told
from worker.events.registered.schema import Readers
from worker.events.registered.wire import Framed, framed, is_framed
from worker.model.commands import MAX_NAME
from worker.model.frozen import frozen
from worker.model.records import Record

REQUESTED: Final = "customer.create.requested.v1"
"""The event type that asks for a customer."""
CONFIRMED: Final = "customer.create.confirmed.v1"
"""The worker's own event type: a person found out which customer an event in doubt has."""

_OURS: Final = (REQUESTED, CONFIRMED)
_REQUIRED: Final = ("id", "source", "type", "specversion")
_NAMES: Final = ("id", "source", "subject")
_TOLD: Final = (*_REQUIRED, "subject")
_STRUCTURED: Final = "application/cloudevents+json"
_JSON: Final = "application/json"
_MAX_QUOTED: Final = 80
_DEEPEST: Final = levels(CUSTOMER) + 1
"""Levels that an event has with a customer in the API's form, and nothing deeper beside it."""


class Unsupported(ValueError):
    """An event that may be correct, but is none that this worker handles."""


@dataclass(frozen=True, slots=True)
class Xml:
    """An event's data as XML."""

    raw: bytes


@frozen()
class JsonContent:
    """JSON content: the document as the fast reader gave it, and a function that reads it thoroughly."""

    document: Json
    exactly: Callable[[], Json]


Content = Xml | JsonContent


@frozen()
class Event:
    """What a record holds: a CloudEvent's attributes (None for a bare value), and a function that reads its content."""

    attributes: Mapping[str, Json] | None
    content: Callable[[], Content]


@dataclass(frozen=True, slots=True)
class Reader:
    """Opens records; the limits hold for one record's value.

    With `readers` a value may name a schema of the registry; it is then read as the JSON that it stands for.
    """

    max_bytes: int
    max_depth: int
    readers: Readers | None = None

    def event(self, record: Record, headers: Told) -> Event:
        """The record's event. Raises `Unreadable` where not even its attributes can be read, and `Unsupported`.

        The attributes are returned even where the value breaks a limit or a rule: they say which event it is.
        """
        media = _media_type(headers.texts.get("content-type"))
        if media.startswith("application/cloudevents"):
            _require_structured(media)
            return self._or_glimpsed(record, lambda: self._structured(self._json(self.value(record)), record))
        if self.readers and is_framed(record):
            media = _JSON  # a framed value becomes JSON, whatever content type the record names
        if headers.attributes is not None:
            media = media or _media_type(headers.attributes.get("datacontenttype"))
            return Event(headers.attributes, lambda: self._content(self.value(record), media))
        return self._or_glimpsed(record, lambda: self._bare(record, media))

    def document(self, record: Record) -> Json:
        """The value as JSON, whatever kind of event it is; None where it is null. Raises Unreadable."""
        if record.value is None:
            return None
        value = self.value(record)
        document = self._json(value)
        # A value is not nested deeper than it has brackets: nearly every value has too few to need a look.
        if value.count(b"{") + value.count(b"[") > self.max_depth:
            require_depth(document, self.max_depth)
        return document

    def require_schema(self, record: Record, attributes: Mapping[str, Json] | None) -> None:
        """Raise Unreadable for a value that names no schema of the registry, unless it is an event of ours."""
        if self.readers is None or is_framed(record):
            return
        if attributes is None or attributes.get("type") not in _OURS:
            raise Unreadable("the value names no schema of the registry, and is no event of this worker's own")

    def _or_glimpsed(self, record: Record, read: Callable[[], Event]) -> Event:
        try:
            return read()
        except Unreadable as error:
            document = glimpsed(record.value or b"")
            if not isinstance(document, dict) or "specversion" not in document:
                raise
            return Event(document, _failing(error))

    def _bare(self, record: Record, media: str) -> Event:
        """A value without a content type.

        It may still be a whole CloudEvent, which cannot be mistaken for a customer.
        """
        value = self.value(record)
        if _is_xml(media, value):
            return Event(None, lambda: Xml(value))
        document = self._json(value)
        if isinstance(document, dict) and "specversion" in document:
            return self._structured(document, record)
        return Event(None, lambda: JsonContent(document, lambda: self._exactly(value)))

    def _structured(self, document: Json, record: Record) -> Event:
        if not isinstance(document, dict):
            raise Unreadable("the CloudEvent is no JSON object")
        require_depth({name: value for name, value in document.items() if name != "data"}, self.max_depth)
        return Event(document, lambda: self._data(document, self.value(record)))

    def _data(self, document: dict[str, Json], value: bytes) -> Content:
        media = _media_type(document.get("datacontenttype"))
        data, encoded = document.get("data"), document.get("data_base64")
        if encoded is not None:
            return self._content(_decoded(encoded, data), media)
        if data is None:
            raise Unreadable("the CloudEvent carries no data")
        if _is_xml(media, b""):
            return Xml(_xml_text(data))
        _require_json(media)
        if isinstance(data, str):
            raise Unreadable("the CloudEvent's data is a string; for XML set datacontenttype to application/xml")
        return JsonContent(data, lambda: self._exactly(value)["data"])

    def _content(self, value: bytes, media: str) -> Content:
        if _is_xml(media, value):
            return Xml(value)
        _require_json(media)
        return JsonContent(self._json(value), lambda: self._exactly(value))

    def value(self, record: Record) -> bytes:
        """The value's bytes, which are JSON or XML; those of a registry's schema as JSON. Raises Unreadable."""
        if not record.value:
            raise Unreadable("the value is null" if record.value is None else "the value is empty")
        self._require_size(record.value, "the value")
        if self.readers and (named := framed(record)):
            return self._opened(self.readers, named)
        return record.value

    def _opened(self, readers: Readers, named: Framed) -> bytes:
        try:
            opened = readers.reader(named.schema)(named.body, self.max_bytes)
        except Unreadable as error:
            raise Unreadable(f"{error} (schema {named.schema} of the registry)") from None
        self._require_size(opened, "the value as JSON")
        return opened

    def _require_size(self, value: bytes, what: str) -> None:
        if len(value) > self.max_bytes:
            raise Unreadable(f"{what} has {counted(len(value), 'byte')}, more than the {self.max_bytes} allowed")

    def _json(self, value: bytes) -> Json:
        # A customer in another form than the API's is read exactly, and its depth is looked at then.
        document = read_json(value, self.max_depth)
        if self.max_depth < _DEEPEST:
            require_depth(document, self.max_depth)
        return document

    def _exactly(self, value: bytes) -> Json:
        return read_json_exactly(value, self.max_depth)


def require_supported(attributes: Mapping[str, Json]) -> None:
    """Raise `Unreadable` for a broken CloudEvent, `Unsupported` for one of another version or type."""
    for name in _TOLD:
        value = attributes.get(name)
        if value is GARBLED:
            raise Unreadable(f"the CloudEvent's {name} is no text in its header, or two that differ")
        if name in _REQUIRED and (not isinstance(value, str) or not value):
            raise Unreadable(f"the CloudEvent has no usable {name}")
        if name in _NAMES and isinstance(value, str) and len(value) > MAX_NAME:
            raise Unreadable(f"the CloudEvent's {name} has {len(value)} characters, more than the {MAX_NAME} allowed")
    if attributes["specversion"] != "1.0":
        raise Unsupported(f"CloudEvents version {_quoted(attributes['specversion'])}; only 1.0 is read")
    if attributes["type"] not in _OURS:
        raise Unsupported(f"the event type is {_quoted(attributes['type'])}, not {REQUESTED}")


def _failing(error: Unreadable) -> Callable[[], Content]:
    def fail() -> Content:
        raise error

    return fail


def _require_structured(media: str) -> None:
    if media != _STRUCTURED:
        raise Unsupported(f"CloudEvents in the format {_quoted(media)}; only {_STRUCTURED} is read")


def _media_type(content_type: Json) -> str:
    return content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""


def _is_xml(media: str, value: bytes) -> bool:
    if media:
        return media in ("application/xml", "text/xml") or media.endswith("+xml")
    return value.lstrip()[:1] == b"<"


def _require_json(media: str) -> None:
    if media and media not in (_JSON, "text/json") and not media.endswith("+json"):
        raise Unreadable(f"the content type is {_quoted(media)}, neither JSON nor XML")


def _decoded(encoded: Json, data: Json) -> bytes:
    if data is not None:
        raise Unreadable("the CloudEvent has both data and data_base64")
    try:
        return base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Unreadable("the CloudEvent's data_base64 is not base64") from None


def _xml_text(data: Json) -> bytes:
    if not isinstance(data, str):
        raise Unreadable("the CloudEvent's datacontenttype is XML, but its data is no string")
    return data.encode()


def _quoted(text: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text[:_MAX_QUOTED])
    return f"'{shown}'"
