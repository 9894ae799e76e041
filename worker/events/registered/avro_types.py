"""Avro's logical types that fastavro leaves as they are, or reads in time that grows with the square of their size."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from fastavro import read

from worker.events.registered.as_json import decimal_of

Given = dict[Any, Any] | None
"""The schema of what is read."""


def decimal(data: bytes, schema: Given, _: Given | None = None) -> Decimal:
    """With as many places as its scale says, and every digit that was written."""
    return decimal_of(data, int(schema.get("scale", 0) if schema else 0))


def instant(nanos: int, _: Given, __: Given | None = None) -> str:
    """As text, since Python's own times end at microseconds."""
    return f"{local(nanos, _)}Z"


def local(nanos: int, _: Given, __: Given | None = None) -> str:
    """The same of a time that names no zone."""
    seconds, rest = divmod(nanos, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}"


def duration(data: bytes, _: Given, __: Given | None = None) -> str:
    """Months, days and milliseconds as ISO 8601 writes them."""
    months, days, millis = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8))
    return f"P{months}M{days}DT{millis / 1000:.3f}S"


def guid(data: bytes, _: Given, __: Given | None = None) -> uuid.UUID:
    """One in its sixteen bytes."""
    return uuid.UUID(bytes=data)


_OURS: Final[dict[str, Callable[[Any, Given, Given], Any]]] = {
    "bytes-decimal": decimal,
    "fixed-decimal": decimal,
    "fixed-duration": duration,
    "fixed-uuid": guid,
    "long-timestamp-nanos": instant,
    "long-local-timestamp-nanos": local,
}


def use() -> None:
    """Have fastavro's readers take these; its compiled and its pure one look at the same table."""
    read.LOGICAL_READERS.update(_OURS)
