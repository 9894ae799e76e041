"""Turns hand-written events into the form of the API: bare values and lists get wrappers, scalars become strings."""

from itertools import islice
from typing import Final

from worker.customer.documents import Json, Number
from worker.customer.shape import CUSTOMER, Child, Shape

# The table on the page Create Group Customer prints `Pin`, the examples print `pin`.
_ALSO_CALLED: Final = {"Pin": "pin"}

MAX_NAMES: Final = 100
MAX_ITEMS: Final = 3


def normalised(document: Json) -> Json:
    """A copy in the API's form as far as that needs no guess; the rest is left as it is, to be judged by the rules.

    Numbers must have been read as `Number`. A null counts as an element that is not set.
    """
    if not isinstance(document, dict):
        return document
    names = {name: _ALSO_CALLED.get(name, name) for name in document}
    repeated = len(set(names.values())) != len(names)
    return _element(document if repeated else {names[name]: value for name, value in document.items()}, CUSTOMER)


def drop_unknown(document: Json, shape: Shape = CUSTOMER) -> int:
    """Remove from a normalised document what no customer may have at that place; return how many elements that were."""
    if isinstance(document, list):
        return sum(drop_unknown(item, shape) for item in document)
    if not isinstance(document, dict):
        return 0
    unknown = [name for name in document if name not in shape.children]
    for name in unknown:
        del document[name]
    below = ((item, shape.children[name].shape) for name, item in document.items())
    return len(unknown) + sum(drop_unknown(item, inner) for item, inner in below if inner)


def excerpt(document: Json) -> Json:
    """The beginning of the document, of each list and each element: small whatever the document's size."""
    if isinstance(document, dict):
        return {name: excerpt(value) for name, value in islice(document.items(), MAX_NAMES)}
    return [excerpt(item) for item in document[:MAX_ITEMS]] if isinstance(document, list) else document


def _element(value: Json, shape: Shape) -> Json:
    if isinstance(value, dict):
        return {
            name: _child(item, shape.children[name]) if name in shape.children else item
            for name, item in value.items()
            if item is not None or name not in shape.children
        }
    bare = shape.bare
    if bare is None or isinstance(value, list) != bare.many:
        return value
    return {bare.name: _child(value, bare)}


def _child(value: Json, child: Child) -> Json:
    if child.many and isinstance(value, list):
        return [_one(item, child) for item in value]
    return value if child.many else _one(value, child)


def _one(value: Json, child: Child) -> Json:
    return _element(value, child.shape) if child.shape else _text(value)


def _text(value: Json) -> Json:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, Number) else value
