"""Kafka record -> CloudEvent attributes and content, in structured and binary mode or from a bare value."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.customer.documents import Json, Unreadable, read_json, read_json_exactly
from worker.records import Record

REQUESTED: Final = "customer.create.requested.v1"
"""The event type that asks for a customer."""
CONFIRMED: Final = "customer.create.confirmed.v1"
"""Our own: a person found out which customer an event in doubt has."""

_REQUIRED: Final = ("id", "source", "type", "specversion")
_BINARY: Final = tuple(f"ce_{name}" for name in _REQUIRED)
_MAX_QUOTED: Final = 80


Headers = Mapping[str, str]
"""A record's headers as texts."""


class Unsupported(ValueError):
    """An event that may be right, but is none of ours."""


@dataclass(frozen=True, slots=True)
class Xml:
    """Content that is XML."""

    raw: bytes


@dataclass(frozen=True, slots=True)
class JsonContent:
    """Content that is JSON: as it was read the fast way, and how to read it the thorough way."""

    document: Json
    exactly: Callable[[], Json]


Content = Xml | JsonContent


@dataclass(frozen=True, slots=True)
class Event:
    """What a record holds: a CloudEvent's attributes (None for a bare value), and `content`, which reads the data."""

    attributes: Mapping[str, Json] | None
    content: Callable[[], Content]


@dataclass(frozen=True, slots=True)
class Reader:
    """Opens records; the limits are those of one record's value."""

    max_bytes: int
    max_depth: int

    def event(self, record: Record, headers: Headers) -> Event:
        """Raises `Unreadable` where not even the attributes can be told."""
        media = _media_type(headers.get("content-type"))
        if media.startswith("application/cloudevents"):
            return self._structured(self._json(self._value(record)), self._value(record), media)
        if not headers.keys().isdisjoint(_BINARY):
            return Event(_from_headers(headers), lambda: self._content(self._value(record), media))
        return self._bare(self._value(record), media)

    def _bare(self, value: bytes, media: str) -> Event:
        """A value without any mark may still be a whole CloudEvent, which no customer can be mistaken for."""
        if _is_xml(media, value):
            return Event(None, lambda: Xml(value))
        document = self._json(value)
        if isinstance(document, dict) and "specversion" in document:
            return self._structured(document, value, "application/cloudevents+json")
        return Event(None, lambda: JsonContent(document, lambda: self._exactly(value)))

    def _structured(self, document: Json, value: bytes, media: str) -> Event:
        if media != "application/cloudevents+json":
            raise Unsupported(f"CloudEvents in the format {_quoted(media)}; only application/cloudevents+json is read")
        if not isinstance(document, dict):
            raise Unreadable("the CloudEvent is no JSON object")
        return Event(document, lambda: self._data(document, value))

    def _data(self, document: dict[str, Json], value: bytes) -> Content:
        media = _media_type(document.get("datacontenttype"))
        if "data_base64" in document:
            return self._content(_decoded(document), media)
        data = document.get("data")
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

    def _value(self, record: Record) -> bytes:
        if not record.value:
            raise Unreadable("the value is null" if record.value is None else "the value is empty")
        if len(record.value) > self.max_bytes:
            raise Unreadable(f"the value has {len(record.value)} bytes, more than the {self.max_bytes} allowed")
        return record.value

    def _json(self, value: bytes) -> Json:
        return read_json(value, self.max_depth)

    def _exactly(self, value: bytes) -> Json:
        return read_json_exactly(value, self.max_depth)


def require_supported(attributes: Mapping[str, Json]) -> None:
    """Refuses a broken CloudEvent (`Unreadable`) and one of another version or type (`Unsupported`)."""
    for name in _REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value:
            raise Unreadable(f"the CloudEvent has no usable {name}")
    if attributes["specversion"] != "1.0":
        raise Unsupported(f"CloudEvents version {_quoted(attributes['specversion'])}; only 1.0 is read")
    if attributes["type"] not in {REQUESTED, CONFIRMED}:
        raise Unsupported(f"the event type is {_quoted(attributes['type'])}, not {REQUESTED}")


def headers_of(record: Record) -> Headers:
    """The headers that are text, by their names in lower case; of several the last."""
    return {name.lower(): text for name, value in record.headers if (text := _text(value)) is not None}


def _from_headers(headers: Headers) -> dict[str, str]:
    return {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def _media_type(content_type: Json) -> str:
    return content_type.partition(";")[0].strip().lower() if isinstance(content_type, str) else ""


def _is_xml(media: str, value: bytes) -> bool:
    if media:
        return media in ("application/xml", "text/xml") or media.endswith("+xml")
    return value.lstrip()[:1] == b"<"


def _require_json(media: str) -> None:
    if media and media not in ("application/json", "text/json") and not media.endswith("+json"):
        raise Unreadable(f"the content type is {_quoted(media)}, neither JSON nor XML")


def _decoded(document: dict[str, Json]) -> bytes:
    if document.get("data") is not None:
        raise Unreadable("the CloudEvent has both data and data_base64")
    try:
        return base64.b64decode(document["data_base64"], validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Unreadable("the CloudEvent's data_base64 is not base64") from None


def _xml_text(data: Json) -> bytes:
    if not isinstance(data, str):
        raise Unreadable("the CloudEvent's datacontenttype is XML, but its data is no string")
    return data.encode()


def _quoted(text: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in text[:_MAX_QUOTED])
    return f"'{shown}'"
