"""JMESPath's truth, equality and order, in steps of a budget (jmespath.org/specification.html)."""

import operator
from collections.abc import Callable
from typing import Final

from worker.customer.documents import Json
from worker.events.mapping.budget import Budget

Order = Callable[[Json, Json], bool]
ORDER: Final[dict[str, Order]] = {"lt": operator.lt, "gt": operator.gt, "lte": operator.le, "gte": operator.ge}


def is_true(value: Json) -> bool:
    """Whether JMESPath takes the value for true: all but null, false and what is empty; 0 is true."""
    return bool(value) if isinstance(value, str | list | dict) else value is not None and value is not False


def same(one: Json, other: Json, budget: Budget) -> bool:
    """Whether both values are equal in all their parts; a number never equals a boolean."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if type(one) is type(other) and isinstance(one, str | list | dict):
        budget.read(one) if one is not other else None
    return bool(one == other)


def ordered(order: Order, one: Json, other: Json, budget: Budget) -> bool | None:
    """Compare two numbers or two texts; None, JMESPath's null, for anything else."""
    if isinstance(one, str) and isinstance(other, str):
        budget.skim(one)
        return order(one, other)
    return order(one, other) if _is_number(one) and _is_number(other) else None


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
