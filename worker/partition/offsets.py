"""Which offset of a partition is committable: everything below it is finished."""

from collections import deque


class Offsets:
    """One assignment of one partition. Offsets are started in ascending order (holes are normal) and finish in any."""

    def __init__(self) -> None:
        self._started: deque[int] = deque()
        self._finished: set[int] = set()
        self._committable: int | None = None
        self._committed: int | None = None
        self._passed = 0
        self.suspended = False
        """Nothing is committable: the log has lost its place, and may not be the one that was read."""

    def begins(self, offset: int) -> None:
        """The partition is read from there on, and the group has stored that."""
        self._committable = self._committed = offset

    def __len__(self) -> int:
        """Records started and not yet passed by the committable offset."""
        return len(self._started)

    def start(self, offset: int) -> None:
        """A record was taken; it counts until it is finished and everything before it is."""
        if self._started and offset <= self._started[-1]:
            raise ValueError(f"offset {offset} after {self._started[-1]}")
        self._started.append(offset)

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

    def passed(self, offset: int) -> None:
        """All records before it are started; what else stands there is no record: markers, and what was taken back."""
        self._passed = offset
        self._pass()

    def _pass(self) -> None:
        if not self._started and (self._committable or 0) < self._passed:
            self._committable = self._passed

    def committable(self) -> int | None:
        """The next offset to read after a restart, where it is ahead of what was committed; else None."""
        return self._committable if self._committable != self._committed and not self.suspended else None

    def committed(self, offset: int) -> None:
        """The group has stored this offset."""
        self._committed = offset

    @property
    def resume_at(self) -> int | None:
        """Where to read on from when everything that is not finished has to be read again; None: nothing was read."""
        return self._started[0] if self._started else self._committable
