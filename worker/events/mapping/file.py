"""The file of a mapping: TOML, checked, compiled and tried when it is loaded; each fault has its line and column."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from worker.customer.documents import Json, Unreadable
from worker.events.cloud_events import Unsupported
from worker.events.mapping.budget import Budget
from worker.events.mapping.expression import compiled
from worker.events.mapping.grammar import Broken
from worker.events.mapping.mapping import Ending, EventMapping, Part, Rule, Seen
from worker.events.mapping.places import Places
from worker.model.errors import SettingsError

MAX_BYTES: Final = 256 * 1024
MAX_RULES: Final = 100
NOTHING: Final[tuple[Json, ...]] = (None, {})
_Text = Annotated[str, Field(min_length=1, max_length=64 * 1024)]
_Words = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Rule(_Section):
    when: _Text
    then: Ending
    say: _Words


class _Event(_Section):
    customer: _Text
    source: _Text | None = None
    id: _Text | None = None
    subject: _Text | None = None

    @model_validator(mode="after")
    def _identity(self) -> "_Event":
        if (self.source is None) != (self.id is None):
            raise ValueError("source and id go together: an event is the same as another where both are")
        return self


class _File(_Section):
    rules: tuple[_Rule, ...] = Field((), max_length=MAX_RULES, strict=False)
    event: _Event


def load_mapping(path: Path, named: str = "WORKER_EVENTS__MAPPING") -> EventMapping:
    """The mapping of that file; SettingsError with a line for each fault. `named`: what told us of the file."""
    try:
        text = _read(path).replace("\r\n", "\n")
        return _Loading(f"{named}: {path}", Places(text)).mapping(_File.model_validate(tomllib.loads(text)))
    except OSError as error:
        raise SettingsError(f"{named}: {path}: {error.strerror}") from None
    except ValidationError as error:
        places = Places(text)
        faults = (
            f"{named}: {path}: {places.of(each['loc'])}: {_told(each['loc'], each['msg'])}" for each in error.errors()
        )
        raise SettingsError("\n".join(faults)) from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{named}: {path}: not TOML: {error}") from None


def _read(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return raw.decode()


def _told(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message.removeprefix('Value error, ')}"


class _Loading:
    """Compiles every expression of a file, and tells all that are broken."""

    def __init__(self, named: str, places: Places) -> None:
        self._named = named
        self._places = places
        self._budget = Budget()
        self._faults: list[str] = []

    def mapping(self, file: _File) -> EventMapping:
        rules = tuple(
            Rule(self._part(f"rules[{number}].when", each.when), each.then, each.say)
            for number, each in enumerate(file.rules)
        )
        names = {name: self._part(f"event.{name}", text) for name, text in _names(file.event)}
        customer = self._part("event.customer", file.event.customer)
        if self._faults:
            raise SettingsError("\n".join(self._faults))
        return _tried(EventMapping(rules, names, customer, self._budget))

    def _part(self, name: str, text: str) -> Part:
        place = self._places.within(text)
        try:
            return Part(name, compiled(text, self._budget), place)
        except Broken as error:
            self._faults.append(f"{self._named}: {place(error.at)}: {name}: {error}")
            return Part(name, lambda _: None, place)


def _names(event: _Event) -> Iterator[tuple[str, str]]:
    for name in ("source", "id", "subject"):
        if (text := getattr(event, name)) is not None:
            yield name, text


def _tried(mapping: EventMapping) -> EventMapping:
    """A record that holds nothing goes through every expression; that it is refused is right."""
    for value in NOTHING:
        seen: Seen = {"value": value, "key": None, "headers": {}, "topic": ""}
        for part in (*(rule.when for rule in mapping.rules), *mapping.names.values(), mapping.customer):
            mapping.budget.renew()
            try:
                part(seen)
            except (Unreadable, Unsupported):
                continue
    return mapping
