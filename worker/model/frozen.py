"""Values of which each record needs several: frozen for the type checker, and as cheap to make as if they were not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(*, repr: bool = True) -> Callable[[type[T]], type[T]]:  # noqa: A002  as dataclass names it
    """A dataclass whose fields are assigned once: the type checker sees to it, and nothing does at run time.

    `dataclass(frozen=True)` assigns each field by a detour: 0.85 µs instead of 0.2 for a record's eight.
    """
    return dataclass(repr=repr, slots=True, unsafe_hash=True)
