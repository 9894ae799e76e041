"""Turns pydantic's errors into violations in the document's order; the only place that knows pydantic's errors."""

import sys
from collections.abc import Iterable
from typing import Final, get_args

from pydantic_core import ErrorDetails, ValidationError

from worker.customer.documents import Json
from worker.customer.shape import CUSTOMER, Child, Shape
from worker.model.outcomes import MAX_VIOLATIONS, Rule, Violation

Steps = tuple[str | int, ...]
"""A path in the document, as names and indexes."""

Violations = list[tuple[Steps, Violation]]
"""Violations, each with its path."""

RULES: Final[dict[str, Rule]] = {
    "missing": "required",
    "string_too_short": "required",
    "union_tag_not_found": "required",
    "string_type": "type",
    "dict_type": "type",
    "list_type": "type",
    "model_attributes_type": "type",
    "string_too_long": "max_length",
    "literal_error": "allowed_values",
    "union_tag_invalid": "allowed_values",
    "too_short": "count",
    "too_long": "count",
    "string_pattern_mismatch": "characters",
    "string_unicode": "characters",
    "extra_forbidden": "unknown_element",
}
"""The rule for each error type that pydantic can raise here; the model's own checks name their errors by the rule."""

_OWN: Final[dict[str, Rule]] = {rule: rule for rule in get_args(Rule)}
TOO_MANY: Final = Violation("", "count", MAX_VIOLATIONS)
"""The last violation of an event of which only the beginning was judged: there are more than are listed."""
_LIMITS: Final = ("limit", "max_length", "min_length")
_MAX_NAME: Final = 64
_HERE: Final = ((),)


def found(errors: Iterable[ErrorDetails]) -> Violations:
    """The violations of these errors, each with its path."""
    return [pair for error in errors for pair in _violations(error)]


def too_many(error: ValidationError) -> bool:
    """Whether the error stands for more violations than are listed."""
    if error.error_count() > MAX_VIOLATIONS:
        return True
    told = error.errors(include_url=False, include_input=False)
    return sum(len(each.get("ctx", {}).get("at", _HERE)) for each in told) > MAX_VIOLATIONS


def in_order(pairs: Violations, document: Json) -> Violations:
    """The violations as a reader of the document meets them; missing elements come after their siblings."""
    return sorted(pairs, key=lambda pair: _position(pair[0], document))


def missing(place: Steps) -> Violations:
    """Violations for a missing element, named as the API's pages do: by what is required within it."""
    return _missing(*_resolve(place))


def unknown_kind(document: dict[str, Json]) -> Violations:
    """Why the document's `type.value` names no kind of customer."""
    kind = document.get("type")
    if kind is None or (isinstance(kind, dict) and "value" not in kind):
        return missing(("type",))
    if not isinstance(kind, dict):
        return [(("type",), _violation(("type",), "type"))]
    place, child = _resolve(("type", "value"))
    return [(place, _not_allowed(place, child, kind["value"]))]


def too_many_persons() -> Violations:
    """The violation of an individual with more than one contact person (Create Individual Customer)."""
    place = ("contactPersons", "contactPerson")
    return [(place, _violation(place, "count", limit=1))]


def too_many_violations() -> Violations:
    """The violation that says that there are more than are listed, with its place behind all others."""
    return [((sys.maxsize,), TOO_MANY)]


def path_of(place: Steps) -> str:
    """The dotted path with indexes; an unknown name is cut short."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{_printable(step)}"
    return text.removeprefix(".")


def _printable(name: str) -> str:
    shown = "".join(character if character.isprintable() else "?" for character in name[:_MAX_NAME])
    return shown + "..." if len(name) > _MAX_NAME else shown


def _violation(place: Steps, rule: Rule, limit: int | None = None, allowed: tuple[str, ...] | None = None) -> Violation:
    return Violation(path_of(place), rule, limit, allowed)


def _violations(error: ErrorDetails) -> Violations:
    place, child = _resolve(error["loc"])
    value = error["input"]
    if error["type"].startswith("union_tag") and child and child.shape:
        place, child, value = (*place, "value"), child.shape.children["value"], value.get("value")
    rule = _OWN.get(error["type"]) or RULES[error["type"]]
    if rule == "required":
        return _missing(place, child)
    if rule == "allowed_values":
        return [(place, _not_allowed(place, child, value))]
    context = error.get("ctx", {})
    limit = next((context[name] for name in _LIMITS if context.get(name) is not None), None)
    places = ((*place, *at) for at in context.get("at", _HERE))
    return [(each, _violation(each, rule, limit, context.get("allowed") or None)) for each in places]


def _missing(place: Steps, child: Child | None) -> Violations:
    return [(leaf, _violation(leaf, "required")) for leaf in _required(place, child)]


def _not_allowed(place: Steps, child: Child | None, value: Json) -> Violation:
    if child is None or not isinstance(value, str):
        return _violation(place, "type")
    return _violation(place, "allowed_values", allowed=child.allowed)


def _resolve(loc: Steps) -> tuple[Steps, Child | None]:
    """The path of an error and the element there; pydantic's path also holds a tagged element's chosen alternative."""
    place: Steps = ()
    shape: Shape | None = CUSTOMER
    child: Child | None = None
    steps = iter(loc)
    for step in steps:
        place += (step,)
        if isinstance(step, str):
            child = shape.children.get(step) if shape else None
            shape = child.shape if child else None
            if shape and shape.tagged:
                next(steps, None)
    return place, child


def _required(place: Steps, child: Child | None) -> list[Steps]:
    if child is None or child.shape is None or child.many:
        return [place]
    below = [each for each in child.shape.children.values() if each.required]
    return [leaf for each in below for leaf in _required((*place, each.name), each)] or [place]


def _position(place: Steps, document: Json) -> tuple[int, ...]:
    position: tuple[int, ...] = ()
    for step in place:
        index = _index(step, document)
        position += (index,)
        if index == sys.maxsize:
            break
        document = _below(step, document)
    return position


def _index(step: str | int, document: Json) -> int:
    if isinstance(step, int):
        return step
    return list(document).index(step) if isinstance(document, dict) and step in document else sys.maxsize


def _below(step: str | int, document: Json) -> Json:
    if isinstance(step, int):
        return document[step] if isinstance(document, list) else None
    return document.get(step) if isinstance(document, dict) else None
