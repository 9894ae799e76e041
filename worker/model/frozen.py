"""Value classes for what each record needs several of: frozen for the type checker, and as fast as mutable ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(*, repr: bool = True) -> Callable[[type[T]], type[T]]:  # noqa: A002  as dataclass names it
    """A dataclass whose fields must not be assigned again: the type checker enforces that, nothing does at run time.

    `dataclass(frozen=True)` assigns fields through a slow path: 0.85 µs instead of 0.2 for a record's eight.
    """
    return dataclass(repr=repr, slots=True, unsafe_hash=True)
