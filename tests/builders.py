"""Values that many tests need: the API's own examples, records, events."""

from pathlib import Path
from typing import Any, Final

import orjson

from worker.records import Record

SEEDS: Final = Path(__file__).parent / "seeds"
"""The examples of the API's own pages, word for word."""


def seed(name: str) -> bytes:
    """One of `individual-required`, `individual-all`, with `.json` or `.xml`."""
    return (SEEDS / name).read_bytes()


def record(value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    """That value as the record 7 of the partition 3 of `requests`."""
    return Record("requests", 3, 7, 1_764_000_000_000, b"key", value, headers)


ATTRIBUTES: Final = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "urn:crm",
    "type": "customer.create.requested.v1",
    "subject": "customer-17",
}
"""The attributes of a good CloudEvent."""


def structured(data: Any, **attributes: Any) -> Record:  # any JSON
    """A structured CloudEvent with that data; an attribute of None is left out."""
    merged = {**ATTRIBUTES, "data": data, **attributes}
    value = orjson.dumps({name: item for name, item in merged.items() if item is not None})
    return record(value, ("content-type", b"application/cloudevents+json"))


def binary(value: bytes | None, media: str = "application/json", **attributes: str | None) -> Record:
    """A binary CloudEvent with that value; an attribute of None is left out."""
    merged = {**ATTRIBUTES, **attributes}
    headers = [(f"ce_{name}", item.encode()) for name, item in merged.items() if item is not None]
    return record(value, *headers, ("content-type", media.encode()))
