"""The rules that are more than a length or a fixed list of values, each with the page that states it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from worker.customer.catalog import Choice
from worker.customer.circumstances import circumstances
from worker.outcomes import Rule

MAX_LISTED: Final = 50
"""A violation lists the configured values only where there are no more than these."""


@dataclass(frozen=True, slots=True)
class From:
    """Marks an element whose rule stands on another page than those of its siblings."""

    page: str


@dataclass(frozen=True, slots=True)
class Check:
    """Marks an element with a rule: `check` returns the value or raises what is `broken`, `statement` is for people."""

    rules: tuple[Rule, ...]
    statement: str
    check: Callable[[Any, ValidationInfo], Any]
    page: str | None = None

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self.check, handler(source))


def broken(
    rule: Rule, *, limit: int | None = None, allowed: frozenset[str] = frozenset(), at: tuple[str | int, ...] = ()
) -> PydanticCustomError:
    """A broken rule of the element at hand, or of the one at the path `at` below it."""
    listed = tuple(sorted(allowed)) if len(allowed) <= MAX_LISTED else ()
    return PydanticCustomError(rule, "breaks a rule", {"limit": limit, "allowed": listed, "at": at})


def digits(limit: int) -> Check:
    """A number of at most `limit` digits and nothing else: no sign, no point."""

    def check(value: str, _: ValidationInfo) -> str:
        if not (value.isascii() and value.isdigit()):
            raise broken("digits")
        if len(value) > limit:
            raise broken("max_digits", limit=limit)
        return value

    return Check(("digits", "max_digits"), f"digits only, at most {limit}", check)


def configured(choice: Choice) -> Check:
    """One of the values that are configured in the application, where the catalog knows them."""

    def check(value: str, info: ValidationInfo) -> str:
        allowed = circumstances(info).catalog.values(choice)
        if allowed is not None and value not in allowed:
            raise broken("configured_values", allowed=allowed)
        return value

    return Check(("configured_values",), f"one of the catalog's `{choice}`", check)


# Exactly one @; a character between it and a dot; the dot not last; none of these; no two backslashes in a row.
_EMAIL: Final = re.compile(
    r"""[^@()\[\]:;<>" ]*@[^@()\[\]:;<>" .][^@()\[\]:;<>" ]*\.[^@()\[\]:;<>" ]*(?<!\.)""", re.DOTALL
)


def _email(value: str, info: ValidationInfo) -> str:
    if not _EMAIL.fullmatch(value) or "\\\\" in value:
        raise broken("format")
    seen = circumstances(info).emails
    if value in seen:
        raise broken("unique")
    seen.add(value)
    return value


EMAIL_ADDRESS: Final = Check(
    ("format", "unique"),
    'exactly one `@`, after it a character, later a dot that is not last; no space and none of `( ) [ ] : ; < > "`; '
    "no two backslashes in a row; used by one contact point only",
    _email,
    page="Email Address Definition",
)

_ISO_8601: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII)


def _past(value: str, info: ValidationInfo) -> str:
    if not _ISO_8601.fullmatch(value):
        raise broken("format")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise broken("format") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment >= circumstances(info).clock():
        raise broken("format")
    return value


PAST_DATE: Final = Check(("format",), "an ISO 8601 date, or date and time, in the past", _past)
