"""Avro's logical types: dates, times, decimals and ids, held in numbers and bytes, as texts."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from math import log10
from typing import Any, Final
from uuid import UUID

from worker.events.registered.as_json import decimal_text

Made = Callable[[Any], str]
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = 86_400
_MOST_DIGITS: Final = 2**31 - 1
"""Stands for the precision of a decimal that names none; Avro counts it with 31 bits."""


def _date(days: int) -> str:
    return date.fromordinal(_FIRST_DAY + days).isoformat()


def _time(units: int, digits: int) -> str:
    seconds, rest = divmod(units, 10**digits)
    if not 0 <= seconds < _DAY:
        raise ValueError("no time of a day")
    of_day = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    return of_day.isoformat() + _fraction(rest, digits)


def _moment(units: int, digits: int, zone: str) -> str:
    """A time as a text, with all digits that it has: Python's own times end at microseconds."""
    seconds, rest = divmod(units, 10**digits)
    return f"{(_EPOCH + timedelta(seconds=seconds)).isoformat()[:-6]}{_fraction(rest, digits)}{zone}"


def _fraction(rest: int, digits: int) -> str:
    return f".{rest:0{digits}}".rstrip("0") if rest else ""


def _duration(raw: bytes) -> str:
    """Months, days and milliseconds as an ISO 8601 duration."""
    months, days, millis = (int.from_bytes(raw[at : at + 4], "little") for at in (0, 4, 8))
    return f"P{months}M{days}DT{millis / 1000:.3f}S"


def _decimal(schema: dict[str, Any]) -> Made:
    scale = schema.get("scale", 0)
    return lambda raw: decimal_text(raw, scale)


def _plainly(made: Made) -> Callable[[dict[str, Any]], Made]:
    return lambda _: made


def is_sound(schema: dict[str, Any]) -> bool:
    """Whether the logical type that a schema names, if it does, is right in itself; else Avro demands to ignore it."""
    size = schema.get("size") if schema.get("type") == "fixed" else None
    match schema.get("logicalType"):
        case "decimal":
            return _is_sound_decimal(schema.get("precision") or _MOST_DIGITS, schema.get("scale", 0), size)
        case "duration":
            return size in (None, 12)
        case "uuid":
            return size in (None, 16)
        case _:
            return True


def _is_sound_decimal(precision: object, scale: object, size: object) -> bool:
    if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision:
        return False
    return precision == _MOST_DIGITS or type(size) is not int or precision <= log10(2) * (8 * size - 1)


def logical(base: object, schema: dict[str, Any]) -> Made | None:
    """The conversion to a text for a sound logical type; None for a plain value. An unknown one is ignored."""
    named = schema.get("logicalType")
    known = _LOGICAL.get((base, named)) if isinstance(base, str) and isinstance(named, str) else None
    return known(schema) if known else None


_LOGICAL: Final[dict[tuple[str, str], Callable[[dict[str, Any]], Made]]] = {
    ("int", "date"): _plainly(_date),
    ("int", "time-millis"): _plainly(partial(_time, digits=3)),
    ("long", "time-micros"): _plainly(partial(_time, digits=6)),
    **{
        ("long", f"{prefix}timestamp-{name}"): _plainly(partial(_moment, digits=digits, zone=zone))
        for prefix, zone in (("", "Z"), ("local-", ""))
        for name, digits in (("millis", 3), ("micros", 6), ("nanos", 9))
    },
    ("bytes", "decimal"): _decimal,
    ("fixed", "decimal"): _decimal,
    ("fixed", "duration"): _plainly(_duration),
    ("fixed", "uuid"): _plainly(lambda raw: str(UUID(bytes=raw))),
}
"""By base type and logical type: under another base a logical type is ignored, as Avro demands."""
