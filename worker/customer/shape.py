"""The tree of elements, read off the model: which element may stand where, in which XML namespace."""

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Required, TypeVar, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

from worker.customer.customer import GroupCustomer, IndividualCustomer

Hint = Any
"""A type as it is written in an annotation."""


def origin_of(hint: Hint) -> Hint:
    """The generic type behind a hint: `list` for `list[str]`, None for a plain class."""
    return get_origin(hint)


@dataclass(frozen=True, slots=True)
class Child:
    """One element below another: a text (without a `shape`), or an element with children; `many`: a list of them."""

    name: str
    required: bool
    many: bool
    shape: "Shape | None"
    allowed: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """An element with children, in the API's order. `tagged`: the element's kind decides which of them it has."""

    namespace: str
    children: dict[str, Child]
    tagged: bool
    tags: dict[str, Child]
    """The children by the tags that lxml gives them."""

    @property
    def bare(self) -> Child | None:
        """The child for which a bare value or list may stand in a hand-written event."""
        first = next(iter(self.children.values()))
        return first if first.name == "value" or (first.many and len(self.children) == 1) else None


def shape_of(*elements: Hint, tagged: bool = False) -> Shape:
    """The shape of an element that is one of these classes; it has the children of all of them."""
    hints = [hints_of(cls) for cls in elements]
    names = dict.fromkeys(name for each in hints for name in each)
    children = {name: _child(name, elements, [each[name] for each in hints if name in each]) for name in names}
    namespace = class_of(elements[0]).__origin_in_api__.namespace
    tags = {f"{{{namespace}}}{name}": child for name, child in children.items()}
    return Shape(namespace, children, tagged, tags)


def _child(name: str, parents: tuple[Hint, ...], hints: list[Hint]) -> Child:
    kinds = [kind for hint in hints for kind in kinds_of(hint)]
    many = any(origin_of(kind) is list for kind in kinds)
    if many:
        kinds = [item for kind in kinds for item in kinds_of(get_args(kind)[0])]
    elements = [kind for kind in dict.fromkeys(kinds) if is_typeddict(class_of(kind))]
    literals = tuple(value for kind in kinds if origin_of(kind) is Literal for value in get_args(kind))
    required = all(name in class_of(parent).__required_keys__ for parent in parents)
    tagged = any(len(kinds_of(hint)) > 1 for hint in hints)
    return Child(name, required, many, shape_of(*elements, tagged=tagged) if elements else None, literals or None)


def hints_of(element: Hint) -> dict[str, Hint]:
    """The children of a class and their types; the argument of a generic wrapper is put in place."""
    content = next(iter(get_args(element)), None)
    hints = get_type_hints(class_of(element), include_extras=True)
    return {name: content if isinstance(hint, TypeVar) else hint for name, hint in hints.items()}


def kinds_of(hint: Hint) -> list[Hint]:
    """The alternatives of a type, without its annotations."""
    origin = origin_of(hint)
    if origin in (Annotated, Required, NotRequired):
        return kinds_of(get_args(hint)[0])
    if origin in (Union, UnionType):
        return [kind for each in get_args(hint) for kind in kinds_of(each)]
    return [hint]


def class_of(element: Hint) -> Hint:
    """The class of an element, for generic and plain ones."""
    return origin_of(element) or element


def levels(shape: Shape) -> int:
    """How many levels the element has as JSON, at most."""
    return 1 + max(child.many + (levels(child.shape) if child.shape else 0) for child in shape.children.values())


CUSTOMER: Final = shape_of(GroupCustomer, IndividualCustomer)
"""Every element that any customer may have."""
