"""The rules that are more than a length or a fixed list of values, each with the page that states it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from worker.customer.catalog import Choice
from worker.customer.circumstances import circumstances
from worker.model.outcomes import Rule

Places = tuple[tuple[str | int, ...], ...]
MAX_LISTED: Final = 50
"""A violation lists the allowed values only if there are at most so many."""


@dataclass(frozen=True, slots=True)
class From:
    """Marks an element whose rule stands on another page than those of its siblings."""

    page: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Marks an element with a rule that the model cannot check by itself (see `Judge`)."""

    rule: Rule
    statement: str
    keywords: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **self.keywords}


@dataclass(frozen=True, slots=True)
class Check:
    """Marks an element with a rule: `check` returns the value or raises what `broken` makes; `statement` is for people.

    `keywords` state as much of the rule as JSON Schema can.
    """

    rules: tuple[Rule, ...]
    statement: str
    check: Callable[[Any, ValidationInfo], Any]
    page: str | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), **self.keywords}


def broken(
    rule: Rule, *, limit: int | None = None, allowed: frozenset[str] = frozenset(), at: Places = ((),)
) -> PydanticCustomError:
    """A broken rule of the element at hand, or of those at the paths `at` below it."""
    listed = tuple(sorted(allowed)) if len(allowed) <= MAX_LISTED else ()
    return PydanticCustomError(rule, "breaks a rule", {"limit": limit, "allowed": listed, "at": at})


def digits(limit: int) -> Check:
    """A check for a number of at most `limit` digits and nothing else: no sign, no point."""

    def check(value: str, _: ValidationInfo) -> str:
        if not (value.isascii() and value.isdigit()):
            raise broken("digits")
        if len(value) > limit:
            raise broken("max_digits", limit=limit)
        return value

    statement = f"digits only, at most {limit}"
    return Check(("digits", "max_digits"), statement, check, keywords={"pattern": f"^[0-9]{{1,{limit}}}$"})


def configured(choice: Choice) -> Check:
    """A check for one of the values that are configured in the application; passes where the catalog knows none."""

    def check(value: str, info: ValidationInfo) -> str:
        allowed = circumstances(info).catalog.values(choice)
        if allowed is not None and value not in allowed:
            raise broken("configured_values", allowed=allowed)
        return value

    return Check(("configured_values",), f"one of the catalog's `{choice}`", check)


# Exactly one @; after it a character that is no dot, then a dot; no dot at the end; no two backslashes in a row;
# no space and none of ( ) [ ] : ; < > ". In the syntax that Python and JSON Schema share.
_EMAIL: Final = r'^(?![\s\S]*\\\\)[^@()\[\]:;<>" ]*@[^@()\[\]:;<>" .][^@()\[\]:;<>" ]*\.[^@()\[\]:;<>" ]*(?<!\.)$'
_IS_EMAIL: Final = re.compile(_EMAIL.removesuffix("$"))


def _email(value: str, info: ValidationInfo) -> str:
    if not _IS_EMAIL.fullmatch(value):
        raise broken("format")
    seen = circumstances(info).emails
    if value in seen:
        raise broken("unique")
    seen.add(value)
    return value


EMAIL_ADDRESS: Final = Check(
    ("format", "unique"),
    "exactly one `@`, then at least one character before a dot, no dot at the end; "
    'no space, none of `( ) [ ] : ; < > "`, no two backslashes in a row; used by one contact point only',
    _email,
    page="Email Address Definition",
    keywords={"pattern": _EMAIL},
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


PAST_DATE: Final = Check(
    ("format",),
    "an ISO 8601 date, or date and time, in the past",
    _past,
    keywords={"pattern": f"^{_ISO_8601.pattern}$"},
)
