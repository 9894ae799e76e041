"""Sets whose order is that of their making, for code whose order of iteration would hang on addresses and hashes."""

import asyncio.tasks
import sys
from collections.abc import Hashable, Iterable, Iterator, MutableSet
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar
from unittest.mock import patch
from zlib import crc32

from aiokafka import TopicPartition

T = TypeVar("T", bound=Hashable)


class Ordered(MutableSet[T]):
    """What `set` does, as far as asyncio and aiokafka ask for it."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, value: T) -> None:
        """As a set's."""
        self._items[value] = None

    def discard(self, value: T) -> None:
        """As a set's."""
        self._items.pop(value, None)

    def pop(self) -> T:
        """The newest."""
        return self._items.popitem()[0]

    def clear(self) -> None:
        """As a set's."""
        self._items.clear()

    def copy(self) -> "Ordered[T]":
        """As a set's."""
        return Ordered(self._items)

    def update(self, *others: Iterable[T]) -> None:
        """As a set's."""
        for each in others:
            self._items.update(dict.fromkeys(each))

    def union(self, *others: Iterable[T]) -> "Ordered[T]":
        """As a set's."""
        made = self.copy()
        made.update(*others)
        return made

    def difference(self, *others: Iterable[T]) -> "Ordered[T]":
        """As a set's."""
        gone = {item for other in others for item in other}
        return Ordered(item for item in self if item not in gone)

    def difference_update(self, *others: Iterable[T]) -> None:
        """As a set's."""
        for other in others:
            for item in list(other):
                self.discard(item)

    def intersection(self, other: Iterable[T]) -> "Ordered[T]":
        """As a set's."""
        there = set(other)
        return Ordered(item for item in self if item in there)

    def issuperset(self, other: Iterable[T]) -> bool:
        """As a set's."""
        return all(item in self for item in other)

    def issubset(self, other: Iterable[T]) -> bool:
        """As a set's."""
        there = set(other)
        return all(item in there for item in self)


@contextmanager
def in_order() -> Iterator[None]:
    """The same story in every process: no hash of a string and no address decides what comes first."""
    modules: list[Any] = [module for name, module in sorted(sys.modules.items()) if name.startswith("aiokafka.")]
    with ExitStack() as stack:
        for module in [asyncio.tasks, *modules]:
            stack.enter_context(patch.object(module, "set", Ordered, create=True))
        stack.enter_context(patch.object(TopicPartition, "__hash__", _hash))
        yield


def _hash(place: TopicPartition) -> int:
    return crc32(place.topic.encode(), place.partition)
