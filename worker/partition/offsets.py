"""Which offset of a partition is committable, and what is finished behind it."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator

from worker.model.progress import Progress, Spans


class Offsets:
    """One assignment of one partition. Offsets are started in ascending order (holes are normal) and finish in any."""

    def __init__(self) -> None:
        self._started: deque[int] = deque()
        self._finished: set[int] = set()
        self._committable: int | None = None
        self._stored: Progress | None = None
        self._found: Spans = ()
        self._passed = 0
        self._moved = False
        self.suspended = False
        """Nothing is committable: the log has lost its place, and may not be the one that was read."""

    def begins(self, stored: Progress) -> None:
        """The partition is read on from there; the group has stored that."""
        self._committable, self._stored, self._found = stored.offset, stored, stored.published

    def __len__(self) -> int:
        """Records started and not yet passed by the committable offset."""
        return len(self._started)

    def start(self, offset: int) -> None:
        """A record was taken; it counts until it is finished and everything before it is."""
        if self._started and offset <= self._started[-1]:
            raise ValueError(f"offset {offset} after {self._started[-1]}")
        self._started.append(offset)

    def is_published(self, offset: int) -> bool:
        """Whether the group had stored that the record's terminal event is published when the partition was begun."""
        at = bisect_right(self._found, offset, key=lambda span: span[0])
        return at > 0 and offset < self._found[at - 1][1]

    @property
    def oldest(self) -> int | None:
        """The first record that is not finished; nothing from it on is committable."""
        return self._started[0] if self._started else None

    def finish(self, offset: int) -> None:
        """The record's outcome is published."""
        self._finished.add(offset)
        while self._started and self._started[0] in self._finished:
            self._finished.remove(self._started[0])
            self._committable = self._started.popleft() + 1
        self._pass()
        self._moved = True

    def passed(self, offset: int) -> None:
        """All records before it are started; what else stands there is no record: markers, and what was taken back."""
        self._passed = offset
        self._pass()

    def _pass(self) -> None:
        if not self._started and (self._committable or 0) < self._passed:
            self._committable, self._moved = self._passed, True

    def to_store(self) -> Progress | None:
        """How far the partition is, where the group has stored less; None where it has not, or nobody may say."""
        if not self._moved or self.suspended:
            return None
        self._moved = (now := self._progress(self._committable)) is not None and now != self._stored
        return now if self._moved else None

    def stored(self, progress: Progress) -> None:
        """The group has stored this."""
        self._stored = progress

    def resume_at(self) -> Progress | None:
        """Where to read on from when everything that is not finished has to be read again; None: nothing was read."""
        return self._progress(self._started[0] if self._started else self._committable)

    def _progress(self, offset: int | None) -> Progress | None:
        if offset is None:
            return None
        self._found = tuple((max(first, offset), end) for first, end in self._found if end > offset)
        return Progress(offset, _merged((*self._found, *self._spans())) if self._found or self._finished else ())

    def _spans(self) -> Iterator[tuple[int, int]]:
        """What is finished, from record to record: between two of one span there is none."""
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
