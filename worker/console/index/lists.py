"""Pages of lists that were put together before: an address that is asked for every two seconds costs once."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from worker.console.index.index import Index
from worker.console.index.shelf import Row
from worker.console.index.wanted import Wanted

Listed = tuple[int, Row]
KEPT = 200


@dataclass(slots=True)
class Lists:
    """A list that goes up to some place never changes, once all of a page is known."""

    _known: OrderedDict[tuple[str, frozenset[tuple[int, int]], int], list[Listed]] = field(default_factory=OrderedDict)

    def rows(self, index: Index, name: str, wanted: Wanted, upto: Mapping[int, int], count: int) -> list[Listed]:
        """The first so many. `name` is the filter as somebody wrote it: an age counts from when it was first asked."""
        key = (name, frozenset(upto.items()), count)
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        found = list(islice(index.rows(wanted, upto), count))
        if len(found) == count or index.is_read:
            self._known[key] = found
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found
