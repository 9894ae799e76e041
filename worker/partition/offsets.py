"""Which offset of a partition is committable, and which records above it are finished."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator

from worker.model.progress import Progress, Spans


class Offsets:
    """The offsets of one assignment.

    They are started in ascending order (gaps are normal) and finished in any order.
    """

    def __init__(self) -> None:
        self._started: deque[int] = deque()
        self._finished: set[int] = set()
        self._committable: int | None = None
        self._stored: Progress | None = None
        self._found: Spans = ()
        self._passed = 0
        self._moved = False
        self.suspended = False
        """While True nothing is to be stored: the log has lost our place, and may not be the one that was read."""

    def begins(self, stored: Progress) -> None:
        """Begin at what the group has stored: the partition is read from that offset on."""
        self._committable, self._stored, self._found = stored.offset, stored, stored.published

    def __len__(self) -> int:
        """How many records were started and are not below the committable offset yet."""
        return len(self._started)

    def start(self, offset: int) -> None:
        """Note that a record was taken; it counts until it and everything before it are finished.

        ValueError out of order.
        """
        if self._started and offset <= self._started[-1]:
            raise ValueError(f"offset {offset} after {self._started[-1]}")
        self._started.append(offset)

    def is_published(self, offset: int) -> bool:
        """Whether the group had stored, when the partition was begun, that the record's terminal event is published."""
        at = bisect_right(self._found, offset, key=lambda span: span[0])
        return at > 0 and offset < self._found[at - 1][1]

    @property
    def oldest(self) -> int | None:
        """The offset of the first record that is not finished; nothing from it on is committable."""
        return self._started[0] if self._started else None

    def finish(self, offset: int) -> None:
        """Note that the record's outcome is published."""
        self._finished.add(offset)
        while self._started and self._started[0] in self._finished:
            self._finished.remove(self._started[0])
            self._committable = self._started.popleft() + 1
        self._pass()
        self._moved = True

    def passed(self, offset: int) -> None:
        """Note that all records below `offset` are started; what else stands there is markers and aborted records."""
        self._passed = offset
        self._pass()

    def _pass(self) -> None:
        if not self._started and (self._committable or 0) < self._passed:
            self._committable, self._moved = self._passed, True

    def to_store(self) -> Progress | None:
        """The progress that is to be stored; None where the group has stored it already, or while suspended."""
        if not self._moved or self.suspended:
            return None
        self._moved = (now := self._progress(self._committable)) is not None and now != self._stored
        return now if self._moved else None

    def stored(self, progress: Progress) -> None:
        """Note what the group has stored."""
        self._stored = progress

    def resume_at(self) -> Progress | None:
        """The place from which all that is not finished is read again; None where nothing was read."""
        return self._progress(self._started[0] if self._started else self._committable)

    def _progress(self, offset: int | None) -> Progress | None:
        if offset is None:
            return None
        self._found = tuple((max(first, offset), end) for first, end in self._found if end > offset)
        return Progress(offset, _merged((*self._found, *self._spans())) if self._found or self._finished else ())

    def _spans(self) -> Iterator[tuple[int, int]]:
        """The finished records as spans (first, end): no unfinished record lies within a span."""
        first = end = None
        for offset in self._started if self._finished else ():
            if offset in self._finished:
                first, end = offset if first is None else first, offset + 1
            elif first is not None and end is not None:
                yield first, end
                first = None
        if first is not None and end is not None:
            yield first, end


def _merged(spans: Iterable[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for first, end in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    return tuple(merged)
