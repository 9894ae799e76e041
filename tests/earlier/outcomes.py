"""What became of a command: the only two things this worker ever announces (design 4.3, 4.4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Resolution = Literal["created", "already_created", "reconciled"]

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


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the API said, as far as it may be told."""

    status: int
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a record failed; `message` is for a person and holds no value of the customer."""

    code: ReasonCode
    message: str
    violations: tuple[Violation, ...] = ()
    http: HttpAnswer | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The customer exists. `location` is the API's own path, `customer_id` its last segment."""

    customer_id: str
    location: str
    customer_type: str
    attempts: int
    resolution: Resolution = "created"


@dataclass(frozen=True, slots=True)
class Failed:
    """No customer came of this record, or (`outcome_unknown`) nobody can tell."""

    reason: Reason
    attempts: int = 0


Outcome = Succeeded | Failed
