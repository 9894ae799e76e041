"""What became of a command: succeeded or failed, and nothing else is ever announced (docs: events, results)."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

import orjson

from worker.model.frozen import frozen

MAX_MESSAGE: Final = 1_000
"""Characters that the sentence of a reason has at most."""

MAX_VIOLATIONS: Final = 500
"""Violations that are named at most: more would cost seconds to name, and nobody reads on."""

MAX_LISTED: Final = 128 * 1024
"""Bytes that the violations of one record take as JSON, at most."""

EXISTS: Final = "the customer exists, and nobody knows under which id"
"""How the sentence of a doubt begins where the API said that it made the customer."""

Resolution = Literal["created", "already_created", "reconciled", "confirmed"]

Rule = Literal[
    "required",
    "type",
    "max_length",
    "max_digits",
    "digits",
    "allowed_values",
    "configured_values",
    "format",
    "count",
    "unique",
    "characters",
    "unknown_element",
]


class ReasonCode(StrEnum):
    """Why a record ended as failed."""

    UNDECODABLE = "undecodable"
    UNSUPPORTED_EVENT = "unsupported_event"
    INVALID_CUSTOMER = "invalid_customer"
    REJECTED = "rejected"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    RETRIES_EXHAUSTED = "retries_exhausted"
    OUTCOME_UNKNOWN = "outcome_unknown"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of one element; never the value itself, which may be personal data."""

    path: str
    rule: Rule
    limit: int | None = None
    allowed: tuple[str, ...] | None = None


@frozen()
class HttpAnswer:
    """The API's answer, as far as it may be told."""

    status: int
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record failed; `message` is for a person and holds no value of the customer.

    Message and violations are cut to bounded sizes, so that journal entry, event and dead letter fit their topics.
    """

    code: ReasonCode
    message: str
    violations: tuple[Violation, ...] = ()
    http: HttpAnswer | None = None

    def __post_init__(self) -> None:
        if len(self.message) > MAX_MESSAGE:
            object.__setattr__(self, "message", f"{self.message[: MAX_MESSAGE - 3]}...")
        if self.violations:
            object.__setattr__(self, "violations", listed(self.violations))


def listed(found: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """As many of the violations as there is room for; if some are left out, the last one says so: `count` at no path.

    Paths and rules come first; lists of allowed values are kept as far as there is room left.
    """
    if _fit(found):
        return found
    bare = tuple(replace(each, allowed=None) for each in found)
    return _with_allowed(bare if _fit(bare) else _beginning(bare), found)


def _fit(violations: tuple[Violation, ...]) -> bool:
    return len(violations) <= MAX_VIOLATIONS and sum(map(_size, violations)) <= MAX_LISTED


def _beginning(bare: tuple[Violation, ...]) -> tuple[Violation, ...]:
    room = MAX_LISTED - _size(Violation("", "count", MAX_VIOLATIONS))
    kept: list[Violation] = []
    for each in bare[: MAX_VIOLATIONS - 1]:
        room -= _size(each)
        if room < 0:
            break
        kept.append(each)
    return (*kept, Violation("", "count", len(kept)))


def _with_allowed(bare: tuple[Violation, ...], found: tuple[Violation, ...]) -> tuple[Violation, ...]:
    room = MAX_LISTED - sum(map(_size, bare))
    told: list[Violation] = []
    for short, whole in zip(bare, found, strict=False):
        more = _size(whole) - _size(short)
        fits = replace(whole, allowed=None) == short and more <= room
        told.append(whole if fits else short)
        room -= more if fits else 0
    return tuple(told)


def _size(violation: Violation) -> int:
    """Bytes of the violation as JSON in a list."""
    return len(orjson.dumps(violation)) + len(",")


@frozen()
class Succeeded:
    """The customer exists. `location` is the API's own path, `customer_id` its last segment."""

    customer_id: str
    location: str
    customer_type: str
    attempts: int
    resolution: Resolution = "created"

    def after(self, attempts: int) -> "Succeeded":
        """The same outcome with its number of attempts; `replace` would take 1.5 µs."""
        return Succeeded(self.customer_id, self.location, self.customer_type, attempts, self.resolution)


@dataclass(frozen=True, slots=True)
class Failed:
    """No customer was made for this record, or (`outcome_unknown`) nobody can tell."""

    reason: Reason
    attempts: int = 0


Outcome = Succeeded | Failed


@dataclass(frozen=True, slots=True)
class PassedOver:
    """The record is no event for us, by that rule of the mapping: nobody is told, and the journal does not hold it."""

    rule: str


End = Outcome | PassedOver
"""How a record ended; only an outcome is ever announced."""
