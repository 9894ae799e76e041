"""How records get the moments at which they may be sent: in a fair line, by the whole group's rate.

A record waits for its place in the line without a slot, and before its intent is written, since an old intent sends
nothing. There are only as many places as moments come up while one record is made ready. A record is sent at its
moment or, when it is late, at another one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from types import TracebackType
from typing import Final, Self

from worker import clocks
from worker.creation.share import BEGINS_AFTER, ON_TIME, Share

SHORTEST_LEAD: Final = 0.02
EARLY: Final = 0.25
"""A request takes its connection, which may have to be made, so many seconds before its moment."""
Wait = Callable[[asyncio.Future[None]], Awaitable[None]]


@dataclass(slots=True)
class GroupClock:
    """The wall clock as it was last looked at, going on evenly from there: nobody can set it in between."""

    _ahead: float = 0.0

    def look(self) -> None:
        """Take over what the wall clock says now."""
        self._ahead = clocks.wall() - clocks.monotonic()

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return clocks.monotonic() + self._ahead


@dataclass(eq=False, slots=True)
class Place:
    """A record's place among those that are sent next, used by `with`.

    Given back when it was sent, or never will be.
    """

    pace: "GroupPace | None" = None
    moment: float | None = None
    _granted: float | None = None

    def grant(self, moment: float | None, now: float) -> None:
        """Say for which moment the record may be made ready."""
        self.moment, self._granted = moment, now

    def wait(self) -> float:
        """Seconds until the record's moment; 0 when it has come.

        A moment that was missed is replaced by another one.
        """
        if self.pace is None:
            return 0.0
        now = self.pace.clock()
        if self._granted is not None:
            self.pace.took(now - self._granted)
            self._granted = None
        if self.moment is None or now > self.moment + ON_TIME:
            self.moment = self.pace.another(now)
        return BEGINS_AFTER if self.moment is None else max(0.0, self.moment - now)

    def leave(self) -> None:
        """Note that the record is sent now; to be sent again it needs another moment."""
        self.moment = None

    def give_back(self) -> None:
        """Give the place to whoever waits for one."""
        if self.pace is not None:
            pace, self.pace = self.pace, None
            pace.given_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.give_back()


ANY_TIME: Final = Place()
"""The place of every record where there is no limit; it keeps nothing of the record that has it."""


@dataclass(eq=False, slots=True)
class GroupPace:
    """The line for moments; one for the process. Without a `share` there is no limit.

    The partitions get moments one after another: one that has nothing to send lends its own to those that have.
    """

    share: Share | None = None
    clock: GroupClock = field(default_factory=GroupClock)
    _waiting: dict[int, deque[tuple[asyncio.Future[None], Place]]] = field(default_factory=dict)
    _in_line: int = 0
    _lead: float = SHORTEST_LEAD
    _timer: asyncio.TimerHandle | None = None

    def counted_by(self, of: Callable[[], int]) -> None:
        """Set the function that knows how many partitions the topic has."""
        if self.share is not None:
            self.share.of = of

    def gain(self, partition: int) -> None:
        """Count the partition's moments as ours."""
        if self.share is not None:
            if self.share.is_empty:
                self.clock.look()
            self.share.gain(partition, self.clock())
            self._serve()

    def lose(self, partition: int) -> None:
        """Count the partition's moments as ours no longer."""
        if self.share is not None:
            self.share.lose(partition)

    async def place(self, partition: int, wait: Wait, *, first: bool = False) -> Place:
        """A place for a record of the partition, once there is one; `first` goes before all.

        Raises what `wait` raises.
        """
        if self.share is None:
            return ANY_TIME
        place, future = Place(self), asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(-1 if first else partition, deque())
        queue.append((future, place))
        self._serve()
        try:
            await wait(future)
        except BaseException:
            if place.moment is not None:
                place.give_back()
            raise
        return place

    def somebody_waits(self) -> bool:
        """Whether a record waits for its moment."""
        return self.share is not None and (bool(self._waiting) or self.share.taken_until > self.clock())

    def another(self, now: float) -> float | None:
        """A moment for a record that has missed its own; None where no moment is ours."""
        return self.share.take(now) if self.share else None

    def took(self, seconds: float) -> None:
        """Learn how long it took to make a record ready: the next ones begin twice that time before their moment."""
        self._lead = min(BEGINS_AFTER, max(SHORTEST_LEAD, 2 * seconds, 0.98 * self._lead))

    def given_back(self) -> None:
        """Note that one place is free, and give it out."""
        self._in_line -= 1
        self._serve()

    def _serve(self) -> None:
        """Give out places for the moments that come soon."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.share and self._in_line <= ceil(self._lead * self.share.own_rate):
            first, now = self._first(), self.clock()
            moment = self.share.next(now)
            if first is None or moment is None:
                return
            if moment > now + self._lead:
                self._timer = asyncio.get_running_loop().call_later(moment - self._lead - now, self._serve)
                return
            self._grant(first, now)

    def _first(self) -> int | None:
        """The partition that is next, or -1 for those that go first; records that have stopped waiting are left out."""
        while self._waiting:
            number = -1 if -1 in self._waiting else next(iter(self._waiting))
            queue = self._waiting[number]
            while queue and queue[0][0].done():
                queue.popleft()
            if queue:
                return number
            del self._waiting[number]
        return None

    def _grant(self, number: int, now: float) -> None:
        """Give a place to the partition's first record; the other partitions come before its next one."""
        queue = self._waiting.pop(number)
        future, place = queue.popleft()
        if queue:
            self._waiting[number] = queue
        self._in_line += 1
        place.grant(self.another(now), now)
        future.set_result(None)
