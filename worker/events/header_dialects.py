"""What a record's headers say: texts, and the attributes of a CloudEvent in whatever dialect its producer writes."""

from collections.abc import Iterator, Mapping
from typing import Final

from worker.model.frozen import frozen
from worker.model.records import Record

PREFIXES: Final = ("ce_", "ce-", "cloudevents:", "cloudevents_")
"""Those of the bindings of CloudEvents to Kafka, HTTP and (two) AMQP; the case of a name does not count."""

SIGNS: Final = frozenset({"id", "source", "type", "specversion"})
"""One of these under any of the prefixes makes the record a CloudEvent."""

_LENGTHS: Final = {0xA1: 1, 0xB1: 4}
"""How AMQP 1.0 marks a string, and the bytes that its length takes; no text in UTF-8 begins with either."""


class Garbled:
    """Stands for a value that is no text, or for two that contradict each other."""


GARBLED: Final = Garbled()

Attribute = str | Garbled | None
"""None where a header has no value."""


@frozen()
class Told:
    """The headers that are texts, by their names in lower case, and the attributes of a CloudEvent, if it is one."""

    texts: Mapping[str, str]
    attributes: Mapping[str, Attribute] | None = None


NOTHING_TOLD: Final = Told({})


def told(record: Record) -> Told:
    """Never raises. Of several headers of a name the last one counts, as everywhere in Kafka."""
    if not record.headers:
        return NOTHING_TOLD
    values = {name.lower(): _value(raw) for name, raw in record.headers}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    attributes: dict[str, Attribute] = {}
    for name, value in _prefixed(values):
        attributes[name] = value if attributes.get(name, value) == value else GARBLED
    return Told(texts, attributes if not SIGNS.isdisjoint(attributes) else None)


def texts(record: Record) -> dict[str, str]:
    """The headers that are texts by their names as they stand there; the last of a name counts."""
    values = ((name, _value(raw)) for name, raw in record.headers)
    return {name: value for name, value in values if isinstance(value, str)}


def as_text(key: bytes | None) -> str | None:
    """A key that is a text; None for any other, such as one in a schema registry's form."""
    try:
        return None if key is None or b"\0" in key else key.decode()
    except UnicodeDecodeError:
        return None


def _prefixed(values: Mapping[str, Attribute]) -> Iterator[tuple[str, Attribute]]:
    """Each with the name of the attribute; the same one may stand under several prefixes."""
    for name, value in values.items():
        for prefix in PREFIXES if name.startswith(PREFIXES) else ():
            if name.startswith(prefix):
                yield name[len(prefix) :], value


def _value(raw: bytes | None) -> Attribute:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _unwrapped(raw)


def _unwrapped(raw: bytes) -> str | Garbled:
    """The text of exactly one string as AMQP encodes it."""
    size = _LENGTHS.get(raw[0])
    if size is None or int.from_bytes(raw[1 : 1 + size], "big") != len(raw) - 1 - size:
        return GARBLED
    try:
        return raw[1 + size :].decode()
    except UnicodeDecodeError:
        return GARBLED
