"""Faults on request: their kinds, the calls that each is for, and how often it strikes."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Call = Literal["create", "search", "login", "logout"]
BodyKind = Literal["json", "xml", "html", "empty", "huge"]

MAX_FAULTS = 10_000
MAX_SECONDS = 3600.0


class Kind(StrEnum):
    """What goes wrong, and whether the call is executed nevertheless."""

    STATUS = "status"  # answer with a status; not executed
    STATUS_AFTER = "status_after"  # executed, then answered with a status
    REPLY_LOST = "reply_lost"  # executed, then the connection is dropped
    DELAY_BEFORE = "delay_before"  # executed late, even when the client has gone
    DELAY_AFTER = "delay_after"  # executed, answered late
    HANG = "hang"  # never answered, not executed
    RESET = "reset"  # connection reset before the body is read; not executed
    EXPIRE_SESSION = "expire_session"  # the session ends, 401; not executed
    LOGIN_PAGE = "login_page"  # the session ends, 302 to a login page, now and whenever it is used again; not executed
    BIG_HEAD = "big_head"  # executed, answered with a head of some ten thousand bytes and a hundred lines
    LOCATION_MISSING = "location_missing"  # executed, 201 without Location
    LOCATION_GARBAGE = "location_garbage"  # executed, 201 with a Location that leads nowhere
    LOCATION_ABSOLUTE = "location_absolute"  # executed, 201 with a complete address
    SLOW = "slow"  # executed, the reply comes byte by byte


_TIMED = {Kind.DELAY_BEFORE, Kind.DELAY_AFTER, Kind.SLOW}
_WITH_STATUS = {Kind.STATUS: 503, Kind.STATUS_AFTER: 500}
_OF_CREATE_ALONE = {Kind.LOCATION_MISSING, Kind.LOCATION_GARBAGE, Kind.LOCATION_ABSOLUTE}
_NO_SESSION_YET: set[Call] = {"login"}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Match(BaseModel):
    """Which calls a fault is for: all given conditions must hold; without any, every call matches.

    `equals` and `contains` name an element anywhere in the body (`{"firstName": "Sally"}`). `nth` picks one of the
    calls for which the identity and the body match, counted from 1; `probability` is drawn for each call that is left.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    identity: str | None = None
    equals: dict[str, str] = {}
    contains: dict[str, str] = {}
    nth: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0

    @property
    def looks_inside(self) -> bool:
        """Whether the body must be read to tell if a call matches."""
        return self.identity is not None or bool(self.equals or self.contains)


class Fault(BaseModel):
    """One fault; it strikes at most the first `times` calls that match (None: all). Durations are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    call: Call = "create"
    match: Match = Match()
    times: Annotated[int, Field(ge=1)] | None = None
    status: Annotated[int, Field(ge=300, le=599)] | None = None
    headers: dict[str, str] = {}
    body: BodyKind | None = None
    seconds: Annotated[float, Field(gt=0, le=MAX_SECONDS)] | None = None

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"{name!r} is no header that can be sent")
        return headers

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind not in _WITH_STATUS and (self.status or self.headers or self.body):
            raise ValueError(f"status, headers and body are for status and status_after, not for {self.kind}")
        if (self.kind in _TIMED) != (self.seconds is not None):
            raise ValueError(f"seconds must be given for {', '.join(sorted(_TIMED))} and for no other kind")
        if self.call != "create" and self.kind in _OF_CREATE_ALONE:
            raise ValueError(f"call: {self.kind} is for create alone")
        if self.call in _NO_SESSION_YET and self.kind in {Kind.EXPIRE_SESSION, Kind.LOGIN_PAGE}:
            raise ValueError("call: there is no session to expire before the login")
        if self.match.looks_inside and (self.kind is Kind.RESET or self.call != "create"):
            raise ValueError(
                "match: identity, equals and contains look into the body of a create call, which reset does not read"
            )
        return self

    @property
    def answer_status(self) -> int:
        """The status to answer with: the given one, else the default of the kind."""
        return self.status or _WITH_STATUS[self.kind]


@dataclass(slots=True)
class Seen:
    """One call as a fault sees it; identity and texts are computed only when a fault asks for them."""

    call: Call
    identity: Callable[[], str]
    texts: Callable[[str], list[str]]


@dataclass(slots=True)
class ActiveFault:
    """A fault in force, with how often it struck.

    What `random` draws depends only on the seed and the fault's number.
    """

    number: int
    fault: Fault
    random: Random
    candidates: int = 0
    hits: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether the fault struck as often as it may."""
        return self.fault.times is not None and self.hits >= self.fault.times

    def strikes(self, seen: Seen) -> bool:
        """Whether the fault strikes this call; counts the call if it matches."""
        match = self.fault.match
        if self.is_spent or not _fits(match, seen):
            return False
        self.candidates += 1
        if match.nth is not None and match.nth != self.candidates:
            return False
        if match.probability < 1 and self.random.random() >= match.probability:
            return False
        self.hits += 1
        return True

    def as_dict(self) -> dict[str, Any]:
        """The fault as the control endpoint shows it."""
        spec = self.fault.model_dump(mode="json", exclude_defaults=True)
        return {"number": self.number, "hits": self.hits, "spent": self.is_spent, "fault": spec}


def _fits(match: Match, seen: Seen) -> bool:
    if match.identity is not None and match.identity != seen.identity():
        return False
    if any(wanted not in seen.texts(name) for name, wanted in match.equals.items()):
        return False
    return all(any(part in text for text in seen.texts(name)) for name, part in match.contains.items())


class TooManyFaults(Exception):
    """There are as many faults as the sandbox keeps at a time."""


@dataclass(slots=True)
class Faults:
    """The faults in force, in the order in which they were given; of those that match a call the first is applied."""

    seed: int = 0
    active: list[ActiveFault] = field(default_factory=list)
    given: int = 0

    def add(self, fault: Fault) -> int:
        """Put the fault in force and return its number; raises TooManyFaults."""
        if len(self.active) >= MAX_FAULTS:
            raise TooManyFaults
        self.given += 1
        random = Random(f"{self.seed}:{self.given}")  # noqa: S311 - a script of faults, repeatable by its seed
        self.active.append(ActiveFault(self.given, fault, random))
        return self.given

    def clear(self) -> int:
        """Remove all faults and return how many there were."""
        count = len(self.active)
        self.active.clear()
        return count

    def on_arrival(self, seen: Seen) -> Fault | None:
        """The reset that strikes this call before its body is read, if any."""
        return self._first(seen, arriving=True)

    def on_reading(self, seen: Seen) -> Fault | None:
        """The fault, other than a reset, that strikes this call once its body was read, if any."""
        return self._first(seen, arriving=False)

    def _first(self, seen: Seen, *, arriving: bool) -> Fault | None:
        for each in self.active:
            at_its_place = each.fault.call == seen.call and (each.fault.kind is Kind.RESET) == arriving
            if at_its_place and each.strikes(seen):
                return each.fault
        return None
