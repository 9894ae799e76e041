"""Keeps pages of lists: the browser asks for one address every two seconds, and it is made once."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from worker.console.index.index import Index
from worker.console.index.shelf import Row
from worker.console.index.wanted import Wanted

Listed = tuple[int, Row]
Pinned = frozenset[tuple[int, int]]
KEPT = 200


@dataclass(slots=True)
class Lists:
    """Pages that were made; a list up to fixed ends never changes once its page is full or the index complete."""

    _known: OrderedDict[tuple[str, int, Pinned, int], list[Listed]] = field(default_factory=OrderedDict)

    def rows(self, index: Index, name: str, wanted: Wanted, upto: Mapping[int, int], count: int) -> list[Listed]:
        """The first `count` rows.

        `name` is the filter as it was written: an age in it counts from the first request.
        """
        # Of what an address may hold there are 44 000 ends, most of them of partitions that do not exist.
        ends = frozenset((number, end) for number, end in upto.items() if number in index.shelves)
        key = (name, index.edition, ends, count)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        found = list(islice(index.rows(wanted, upto), count))
        if len(found) == count or index.is_read:
            self._known[key] = found
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found
