"""Turns the results of expressions into parts of an event: names are texts, the customer has texts alone, no nulls."""

import math
from typing import Final

from worker.customer.documents import Json
from worker.events.mapping.budget import MAX_TEXT, Budget, Failure
from worker.model.commands import MAX_NAME

MAX_DEPTH: Final = 32


def name_of(given: Json) -> str:
    """A source, an id or a subject; a whole number becomes a text. Raises Failure for anything else."""
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str):
        raise Failure(f"is {kind_of(given)}, not a text or a whole number")
    if not 0 < len(given) <= MAX_NAME:
        raise Failure(f"has {len(given)} characters, but 1 to {MAX_NAME} are allowed")
    return given


def customer_of(given: Json, budget: Budget) -> Json:
    """A copy of the customer, in which each scalar is a text. Raises Failure where it is no object, or too large.

    In the copy no part is shared, as it may be in an expression's result.
    """
    if not isinstance(given, dict):
        raise Failure(f"is {kind_of(given)}, not an object")
    return _Copy(budget).of(given, MAX_DEPTH)


def kind_of(value: Json) -> str:
    """The name of the value's type, in words."""
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "an array", dict: "an object"}
    return kinds.get(type(value), "null")


class _Copy:
    """Copies a value, and counts what it copies: an expression may put one value into many places."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._characters = 0

    def of(self, given: Json, levels: int) -> Json:
        if isinstance(given, str):
            self._characters += len(given)
            if self._characters > MAX_TEXT:
                raise Failure(f"holds more than {MAX_TEXT} characters")
            return given
        if isinstance(given, dict | list):
            return self._inner(given, levels)
        return _scalar(given)

    def _inner(self, given: Json, levels: int) -> Json:
        if levels == 0:
            raise Failure(f"is nested deeper than {MAX_DEPTH} levels")
        self._budget.spend(2 * len(given))
        of, below = self.of, levels - 1
        if isinstance(given, dict):
            return {name: of(value, below) for name, value in given.items() if value is not None}
        return [of(value, below) for value in given if value is not None]


def _scalar(given: Json) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, float) and not math.isfinite(given):
        raise Failure("holds a number that is too large")
    return str(given)
