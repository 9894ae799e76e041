"""What a record's headers say: texts, and a CloudEvent's attributes in whatever dialect their producer writes."""

from collections.abc import Iterator, Mapping
from typing import Final

from worker.model.frozen import frozen
from worker.model.records import Record

PREFIXES: Final = ("ce_", "ce-", "cloudevents:", "cloudevents_")
"""The prefixes of the bindings of CloudEvents to Kafka, HTTP and (two) AMQP; upper or lower case."""

SIGNS: Final = frozenset({"id", "source", "type", "specversion"})
"""An attribute of these, under any of the prefixes, makes the record a CloudEvent."""

_LENGTHS: Final = {0xA1: 1, 0xB1: 4}
"""AMQP 1.0's marks of a string, and how many bytes its length takes; no text in UTF-8 begins with either mark."""


class Garbled:
    """Stands for a header's value that is no text, or for two values that contradict each other."""


GARBLED: Final = Garbled()

Attribute = str | Garbled | None
"""A header's value; None where the header has none."""


@frozen()
class Told:
    """The headers that are texts, by their names in lower case, and the attributes of a CloudEvent, if it is one."""

    texts: Mapping[str, str]
    attributes: Mapping[str, Attribute] | None = None


NOTHING_TOLD: Final = Told({})


def told(record: Record) -> Told:
    """Read a record's headers; never raises. Of several headers of one name the last one counts, as in Kafka."""
    if not record.headers:
        return NOTHING_TOLD
    values = {name.lower(): _value(raw) for name, raw in record.headers}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    attributes: dict[str, Attribute] = {}
    for name, value in _prefixed(values):
        attributes[name] = value if attributes.get(name, value) == value else GARBLED
    return Told(texts, attributes if not SIGNS.isdisjoint(attributes) else None)


def texts(record: Record) -> dict[str, str]:
    """The headers that are texts, by their names as written; of several of one name the last one counts."""
    values = ((name, _value(raw)) for name, raw in record.headers)
    return {name: value for name, value in values if isinstance(value, str)}


def as_text(key: bytes | None) -> str | None:
    """The key as a text; None where it is none, such as one in a schema registry's form."""
    try:
        return None if key is None or b"\0" in key else key.decode()
    except UnicodeDecodeError:
        return None


def _prefixed(values: Mapping[str, Attribute]) -> Iterator[tuple[str, Attribute]]:
    """Each attribute by its name without the prefix; the same attribute may stand under several prefixes."""
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
    """The text of exactly one string in AMQP's encoding; GARBLED for anything else."""
    size = _LENGTHS.get(raw[0])
    if size is None or int.from_bytes(raw[1 : 1 + size], "big") != len(raw) - 1 - size:
        return GARBLED
    try:
        return raw[1 + size :].decode()
    except UnicodeDecodeError:
        return GARBLED
