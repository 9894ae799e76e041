"""Every element with its rules, read off the model, as table rows for people."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, NotRequired, Required, get_args

from annotated_types import MaxLen, MinLen
from pydantic.fields import FieldInfo
from typing_extensions import is_typeddict

from worker.customer.customer import GroupCustomer, IndividualCustomer
from worker.customer.element import Value
from worker.customer.rules import Beside, Check
from worker.customer.shape import Hint, class_of, hints_of, kinds_of, origin_of
from worker.model.outcomes import Rule


@dataclass(slots=True)
class Row:
    """One element: its path, whether it is required, what its value must be, and the page that says so."""

    path: str
    page: str
    required: str
    rules: dict[Rule, str]
    """Each rule with its statement, which may be empty or shared."""
    allowed: tuple[str, ...] = ()

    def statement(self) -> str:
        """All rules for the value, in words."""
        listed = (f"one of {' '.join(f'`{value}`' for value in self.allowed)}",) if self.allowed else ()
        return "; ".join(dict.fromkeys((*listed, *filter(None, self.rules.values())))) or "any text"


def rows() -> list[Row]:
    """Every element of both kinds of customer, in the order of the API."""
    of_individual = _by_path(IndividualCustomer)
    return [_merged(row, of_individual.get(row.path)) for row in _by_path(GroupCustomer).values()]


_PERSON: Final = "contactPersons.contactPerson[]."
_POINT: Final = f"{_PERSON}contactPoints.contactPoint[]."
_TABLES: Final = (("Customer", ""), ("Contact person", _PERSON), ("Contact point", _POINT))


def markdown() -> str:
    """Three tables for the documentation, each with the paths below its own element."""
    all_rows = rows()
    return "\n\n".join(
        _table(title, prefix, [row for row in all_rows if _prefix(row) == prefix]) for title, prefix in _TABLES
    )


def _prefix(row: Row) -> str:
    return next(prefix for _, prefix in reversed(_TABLES) if row.path.startswith(prefix))


def _table(title: str, prefix: str, members: list[Row]) -> str:
    below = f" (`{prefix.removesuffix('.')}`)" if prefix else ""
    lines = [f"**{title}**{below}", "", "| element | required | rule | page |", "|---|---|---|---|"]
    lines += [
        f"| `{row.path.removeprefix(prefix)}` | {row.required} | {row.statement()} | {row.page} |" for row in members
    ]
    return "\n".join(lines)


def _merged(group: Row, individual: Row | None) -> Row:
    """One row for both kinds of customer; where they differ the row names the kind."""
    if individual is None:
        required = "group" if group.required == "yes" else group.required
        return Row(group.path, group.page, required, group.rules, group.allowed)
    rules = {rule: _either(rule, individual, group) for rule in (*individual.rules, *group.rules)}
    allowed = tuple(dict.fromkeys((*individual.allowed, *group.allowed)))
    required = "individual" if individual.required == "yes" != group.required else group.required
    return Row(group.path, individual.page if required == "individual" else group.page, required, rules, allowed)


def _either(rule: Rule, individual: Row, group: Row) -> str:
    one, other = individual.rules.get(rule, ""), group.rules.get(rule, "")
    return one if one == other or not other else f"{one} for an individual, {other} for a group"


def _by_path(kind: Hint) -> dict[str, Row]:
    """The rows by path. The alternatives of an element share the row of the value that tells them apart."""
    found: dict[str, Row] = {}
    for row in _below(kind, "", always=True):
        earlier = found.setdefault(row.path, row)
        earlier.allowed = tuple(dict.fromkeys((*earlier.allowed, *row.allowed)))
    return found


def _below(element: Hint, path: str, *, always: bool) -> Iterator[Row]:
    cls = class_of(element)
    for name, hint in hints_of(element).items():
        must = name in cls.__required_keys__
        required = "yes" if must and always else "in its element" if must else ""
        yield from _child(f"{path}{name}", hint, cls.__origin_in_api__.page, required)


def _child(path: str, hint: Hint, page: str, required: str) -> Iterator[Row]:
    kinds, marks, always = kinds_of(hint), list(_marks(hint)), required == "yes"
    wrapped = class_of(kinds[0])
    if origin_of(kinds[0]) is list:
        [item] = get_args(kinds[0])
        yield _row(f"{path}[]", page, [*marks, *_marks(item)], required, listed=True)
        yield from (row for kind in kinds_of(item) for row in _below(kind, f"{path}[].", always=always))
    elif wrapped is Value:
        yield _row(f"{path}.value", page, [*marks, *_marks(hints_of(kinds[0])["value"])], required)
    elif is_typeddict(wrapped):
        if any(isinstance(mark, Beside) for mark in marks):
            yield _row(path, page, marks, required)
        yield from _list_in(wrapped, path, required) or (
            row for kind in kinds for row in _below(kind, f"{path}.", always=always)
        )
    else:
        yield _row(path, page, marks, required)


def _list_in(wrapper: Hint, path: str, required: str) -> list[Row]:
    """The row of a list that is its wrapper's only child: it is required wherever the wrapper is. Else no rows."""
    [(name, hint), *others] = hints_of(wrapper).items()
    if others or origin_of(kinds_of(hint)[0]) is not list:
        return []
    return list(_child(f"{path}.{name}", hint, wrapper.__origin_in_api__.page, required))


def _row(path: str, page: str, marks: Iterable[Any], required: str, *, listed: bool = False) -> Row:
    row = Row(path, page, required, {"required": ""} if required else {})
    for mark in marks:
        row.page = getattr(mark, "page", None) or row.page
        row.rules |= _rules(mark, listed=listed)
        row.allowed += mark if isinstance(mark, tuple) else ()
    return row


def _rules(mark: object, *, listed: bool) -> dict[Rule, str]:
    match mark:
        case MinLen() if listed:
            return {"count": "at least one"}
        case MaxLen(max_length=limit):
            return {"max_length": f"at most {limit} characters"}
        case Beside(rule=rule, statement=statement):
            return {rule: statement}
        case Check(rules=rules, statement=statement):
            return dict.fromkeys(rules, statement)
        case tuple():
            return {"allowed_values": ""}
        case _:
            return {}


def _marks(hint: Hint) -> Iterator[Any]:
    """The annotations of a type; a fixed list of values comes as a tuple."""
    if origin_of(hint) is Literal:
        yield get_args(hint)
    elif origin_of(hint) in _SAYING_MORE:
        inner, *marks = get_args(hint)
        yield from _marks(inner)
        for mark in marks:
            yield from mark.metadata if isinstance(mark, FieldInfo) else (mark,)


_SAYING_MORE: Final[tuple[Hint, ...]] = (Annotated, Required, NotRequired)
