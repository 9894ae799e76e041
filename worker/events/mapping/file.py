"""The file of a mapping: TOML, checked, compiled and tried when it is loaded; each fault has its line and column."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from worker.customer.documents import Json, Unreadable
from worker.events.cloud_events import Unsupported
from worker.events.mapping.budget import Budget
from worker.events.mapping.expression import compiled, reads_value
from worker.events.mapping.grammar import Broken
from worker.events.mapping.mapping import Ending, EventMapping, Part, Rule, Seen
from worker.events.mapping.places import Place, Places, Steps
from worker.model.errors import SettingsError

MAX_BYTES: Final = 256 * 1024
MAX_RULES: Final = 100
NOTHING: Final[tuple[Json, ...]] = (None, {})
MAX_TEXT: Final = 64 * 1024
NAMES: Final = ("source", "id", "subject")
_Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
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


class _Fault(NamedTuple):
    """One fault in the file, and where it is."""

    place: Place
    name: str
    told: str


def load_mapping(path: Path, named: str = "WORKER_EVENTS__MAPPING") -> EventMapping:
    """The mapping in that file. SettingsError with a line for each fault; `named` is what named the file."""
    try:
        text = _read(path).replace("\r\n", "\n")
        loading = _Loading(tomllib.loads(text), Places(text))
    except OSError as error:
        raise SettingsError(f"{named}: {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{named}: {path}: not TOML: {error}") from None
    mapping = loading.mapping()
    if mapping is None:
        faults = (f"{named}: {path}: {each.place}: {each.name}: {each.told}" for each in sorted(loading.faults))
        raise SettingsError("\n".join(faults))
    return _tried(mapping)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return raw.decode()


class _Loading:
    """Checks a file's structure and compiles each of its expressions; neither hides a fault of the other."""

    def __init__(self, written: dict[str, Any], places: Places) -> None:
        self.faults: list[_Fault] = []
        self._places = places
        self._budget = Budget()
        self._parts = {steps: self._part(steps, text) for steps, text in _expressions(written)}
        self._file = self._checked(written)

    def mapping(self) -> EventMapping | None:
        """The mapping; None where there is a fault."""
        if self._file is None or self.faults:
            return None
        rules = tuple(
            Rule(self._parts["rules", number, "when"], each.then, each.say)
            for number, each in enumerate(self._file.rules)
        )
        names = {name: self._parts["event", name] for name in NAMES if getattr(self._file.event, name) is not None}
        return EventMapping(rules, names, self._parts["event", "customer"], self._budget)

    def _checked(self, written: dict[str, Any]) -> _File | None:
        try:
            return _File.model_validate(written)
        except ValidationError as error:
            for each in error.errors():
                steps, told = each["loc"], each["msg"].removeprefix("Value error, ")
                self.faults.append(_Fault(self._places.of(steps), _name(steps), told))
            return None

    def _part(self, steps: Steps, text: str) -> Part:
        place, name = self._places.within(steps, text), _name(steps)
        try:
            return Part(name, compiled(text, self._budget), place, reads_value(text))
        except Broken as error:
            self.faults.append(_Fault(place(error.at), name, str(error)))
            return Part(name, lambda _: None, place)


def _name(steps: Steps) -> str:
    return re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, steps)))


def _expressions(written: dict[str, Any]) -> Iterator[tuple[Steps, str]]:
    """The expressions that stand where they should and are not too long, whatever else is wrong with the file."""
    rules, event = written.get("rules"), written.get("event")
    listed = enumerate(rules[:MAX_RULES] if isinstance(rules, list) else ())
    found: list[tuple[Steps, Any]] = [
        *((("rules", number, "when"), rule.get("when")) for number, rule in listed if isinstance(rule, dict)),
        *((("event", name), event.get(name)) for name in (*NAMES, "customer") if isinstance(event, dict)),
    ]
    yield from ((steps, text) for steps, text in found if isinstance(text, str) and 0 < len(text) <= MAX_TEXT)


def _tried(mapping: EventMapping) -> EventMapping:
    """The mapping, after each expression was evaluated for an empty record: being refused is no fault of it."""
    for value in NOTHING:
        seen: Seen = {"value": value, "key": None, "headers": {}, "topic": ""}
        for part in (*(rule.when for rule in mapping.rules), *mapping.names.values(), mapping.customer):
            mapping.budget.renew()
            try:
                part(seen)
            except (Unreadable, Unsupported):
                continue
    return mapping
