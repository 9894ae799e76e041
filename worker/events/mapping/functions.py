"""The functions that an expression may call: JMESPath's own, with bounded results, and a few for events' texts."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from jmespath.exceptions import JMESPathTypeError
from jmespath.functions import REVERSE_TYPES_MAP, TYPES_MAP, Functions, signature

from worker.counting import counted
from worker.customer.documents import Json, Unreadable, read_json, require_depth
from worker.events.mapping.budget import Budget, Failure, require_room

CALL: Final = 10
"""Steps that a call takes, besides those for its arguments."""
MAX_DEPTH: Final = 32
_TEXT: Final[Any] = {"types": ["string"]}
_ANY: Final[Any] = {"types": []}
_READ_WHOLLY: Final = frozenset({"contains", "to_string"})
PARTED_BY: Final = ",[{"
"""A JSON text has at most as many parts, each of which takes memory, as it has of these characters."""


class BoundedFunctions(Functions):
    """Each call takes the steps that it costs; one that cannot be carried out raises Failure, which quotes no value."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def call(self, name: str, arguments: list[Json]) -> Json:
        """The function's result. Raises Failure where it does not take these arguments."""
        self._budget.spend(CALL)
        for each in arguments:
            self._budget.read(each) if name in _READ_WHOLLY else self._budget.skim(each)
        try:
            result = self.call_function(name, arguments)
        except JMESPathTypeError as error:
            raise Failure(f"{name}() takes {_named(error.expected_types)}, not {_kind(error.actual_type)}") from None
        except Failure as error:
            raise Failure(f"{name}() {error}") if error.at is None else error from None
        except (ValueError, TypeError, ArithmeticError, RecursionError):
            raise Failure(f"{name}() cannot be carried out with these arguments") from None
        self._budget.skim(result)
        return result

    @signature(_TEXT)
    def _func_lower(self, given: str) -> str:
        return given.lower()

    @signature(_TEXT)
    def _func_upper(self, given: str) -> str:
        return given.upper()

    @signature(_TEXT)
    def _func_trim(self, given: str) -> str:
        return given.strip()

    @signature(_TEXT, _TEXT)
    def _func_split(self, given: str, separator: str) -> list[str]:
        if not separator:
            raise Failure("takes a separator that is not empty")
        return given.split(separator)

    @signature(_TEXT, _TEXT, _TEXT)
    def _func_replace(self, given: str, old: str, new: str) -> str:
        require_room(len(given) + given.count(old) * (len(new) - len(old)))
        return given.replace(old, new)

    @signature(_TEXT)
    def _func_parse_json(self, given: str) -> Json:
        """The JSON document in a text, read as strictly as an event."""
        self._budget.spend(sum(map(given.count, PARTED_BY)))
        try:
            document = read_json(given.encode(), MAX_DEPTH)
            require_depth(document, MAX_DEPTH)
        except Unreadable as error:
            raise Failure(f"takes JSON: {error}") from None
        return document

    @signature(_TEXT, {"types": ["array-string"]})
    def _func_join(self, glue: str, parts: list[str]) -> str:
        require_room(sum(map(len, parts)) + len(glue) * len(parts))
        return glue.join(parts)

    @signature(_ANY)
    def _func_to_string(self, given: Json) -> str:
        made = given if isinstance(given, str) else orjson.dumps(given).decode()
        require_room(len(made))
        return made


TABLE: Final[dict[str, Any]] = BoundedFunctions.FUNCTION_TABLE


def takes_expression(name: str, place: int) -> bool:
    """Whether that argument of the function is an expression (`&name`)."""
    listed = TABLE[name]["signature"]
    return "expref" in listed[min(place, len(listed) - 1)]["types"]


def wrong_count(name: str, given: int) -> str | None:
    """Why the function does not take so many arguments; None where it does."""
    listed = TABLE[name]["signature"]
    if listed[-1].get("variadic"):
        return (
            None if given >= len(listed) else f"{name}() takes {counted(len(listed), 'argument')} or more, not {given}"
        )
    return None if given == len(listed) else f"{name}() takes {counted(len(listed), 'argument')}, not {given}"


def _named(types: Iterable[str]) -> str:
    """Types of JMESPath's signatures in words."""
    words = [f"an array of {kind}s" if plural else _kind(first) for first, plural, kind in map(_parted, types)]
    return " or ".join(words)


def _parted(type_: str) -> tuple[str, str, str]:
    return type_.partition("-")


def _kind(name: str) -> str:
    """A type in words for a person, by JMESPath's name or Python's."""
    plain = name if name in REVERSE_TYPES_MAP else TYPES_MAP.get(name, name)
    return plain if plain == "null" else f"{'an' if plain[0] in 'aeo' else 'a'} {plain}"
