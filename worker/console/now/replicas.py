"""What a replica says of itself on `/status`. What it does not say, as an older version may not, is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.terminal.text import plain


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold of all partitions, or of `partition` alone; `since` is seconds since the epoch."""

    reason: str
    detail: str
    since: float | None
    partition: int | None


@dataclass(frozen=True, slots=True)
class Blocking:
    """The first record that is not finished, and its step (`reason`); `age` counts from the record's timestamp."""

    offset: int
    age: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Owned:
    """A partition that this replica has."""

    partition: int
    committed: int | None
    lag: int | None
    blocking: Blocking | None


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica that answered."""

    address: str
    instance: str | None = None
    version: str | None = None
    started: float | None = None
    group: str | None = None
    state: str | None = None
    holds: tuple[Hold, ...] = ()
    in_flight: int | None = None
    queued: int | None = None
    bound_by: str | None = None
    partitions: tuple[Owned, ...] = ()


@dataclass(frozen=True, slots=True)
class Silent:
    """An address that gave no usable answer, and why."""

    address: str
    why: str


def replica(address: str, told: Mapping[str, Any]) -> Replica:
    """Read an answer. Never raises: values without the expected form count as missing."""
    return Replica(
        address,
        _text(told.get("instance")),
        _text(told.get("version")),
        _moment(told.get("startedAt")),
        _text(told.get("group")),
        _text(told.get("state")),
        tuple(_hold(each) for each in _each(told.get("holds"))),
        _count(told.get("inFlight")),
        _count(told.get("queued")),
        _text(told.get("boundBy")) or _text(told.get("bound_by")),
        tuple(found for each in _each(told.get("partitions")) if (found := _owned(each))),
    )


def _hold(told: Mapping[str, Any]) -> Hold:
    reason, detail = _text(told.get("reason")) or "unknown", _text(told.get("detail")) or ""
    return Hold(reason, detail, _moment(told.get("since")), _count(told.get("partition")))


def _owned(told: Mapping[str, Any]) -> Owned | None:
    number = _count(told.get("partition"))
    if number is None:
        return None
    return Owned(number, _count(told.get("committed")), _count(told.get("lag")), _blocking(told.get("blocking")))


def _blocking(told: object) -> Blocking | None:
    if not isinstance(told, Mapping) or (offset := _count(told.get("offset"))) is None:
        return None
    age = told.get("ageSeconds")
    seconds = float(age) if isinstance(age, int | float) and not isinstance(age, bool) else None
    return Blocking(offset, seconds, _text(told.get("reason")) or "unknown")


def _each(told: object) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []


def _text(told: object) -> str | None:
    return plain(told[:2000]) if isinstance(told, str) and told else None


def _count(told: object) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 1 << 62 else None


def _moment(told: object) -> float | None:
    try:
        return datetime.fromisoformat(told).timestamp() if isinstance(told, str) else None
    except (ValueError, OverflowError):
        return None
