"""Judges ends of requests in any order, and forgets them then; finds the same as `verify` finds over the whole.

A request is judged once its offset is committed and all is read that was published before the commit was seen. Its end
must be among that, since only a published end is committed: so an end that is merely late is never called missing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from worker.tools.audit import found as kinds
from worker.tools.audit.customers import Customers, key_of
from worker.tools.audit.found import Found, Tell
from worker.tools.audit.gaps import Gaps
from worker.tools.audit.marks import ENDED, FAILED, LETTER_MISSING, LETTERED, SUCCEEDED, Marks
from worker.tools.audit.unended import Unended
from worker.tools.reading.offset_set import OffsetSet
from worker.tools.reading.place import Place
from worker.tools.verification.reading import Failure, Success

Key = TypeVar("Key")
Value = TypeVar("Value")

LATE: Final = 60.0
"""Seconds to wait for the failed event of a dead letter whose request was judged already."""
PENDING: Final = 10_000
TOLD: Final = 10_000
LETTERS: Final = 50_000


@dataclass(slots=True)
class Judge:
    """Judges requests; `tell` is called once for each finding. Requests below the `judged` offsets are judged."""

    tell: Tell
    marks: Marks = field(default_factory=Marks)
    customers: Customers = field(default_factory=Customers)
    unended: Unended = field(default_factory=Unended)
    judged: dict[int, int] = field(default_factory=dict)
    tops: dict[int, int] = field(default_factory=dict)
    """By partition the offset behind the last request that any end was read of."""
    not_judged: Counter[str] = field(default_factory=Counter)
    _letters: dict[int, int] = field(default_factory=dict)
    _late: dict[Place, float] = field(default_factory=dict)
    _told: dict[tuple[int, str], None] = field(default_factory=dict)

    def begin(self, partition: int, offset: int) -> None:
        """Judge the requests of that partition from that offset on, and none before."""
        self.marks.begin(partition, offset)
        self.judged[partition] = offset

    def anew(self, partition: int, offset: int) -> None:
        """Judge other requests from that offset on than those that were read of before."""
        self.marks.forget(partition)
        self.begin(partition, offset)

    def end(self, ends: Mapping[int, int]) -> None:
        """Tell where the requests end by now, by partition: ends that name offsets behind that belong to no request."""
        self.tops = {partition: min(top, ends.get(partition, top)) for partition, top in self.tops.items()}

    # --- what was read

    def success(self, event: Success, at: Place) -> Place | None:
        """Take a succeeded event and its place.

        Return the place of an event to compare it with, for `duplicate`, or None.
        """
        self._mark(event.request, SUCCEEDED)
        return self.customers.put(event, at)

    def duplicate(self, event: Success, first: Success | None) -> None:
        """Compare a suspect with the event at that place; None where that is deleted: then the hash is believed."""
        if first is not None and (first.customer == event.customer or first[1:3] != event[1:3]):
            return
        confirmed = event.confirmed or (first is not None and first.confirmed)
        kind = kinds.MISTAKEN if confirmed else kinds.TWO_CUSTOMERS
        if (key := (key_of(event), kind)) not in self._told:
            _kept(self._told, key, None, TOLD)
            self._tell(kind, event.request, str(first.request) if first else None)

    def letter(self, at: Place, request: Place, now: float, *, old: bool = False) -> None:
        """Take a dead letter: its place, and its request's; `old`: its failed event may be deleted."""
        _kept(self._letters, at.packed, request.packed, LETTERS)
        if old:
            return
        before = self._mark(request, LETTERED)
        if before is not None and not before & (LETTERED | FAILED) and self._is_judged(request):
            while len(self._late) >= PENDING:
                self._without_event(next(iter(self._late)))
            self._late[request] = now

    def knows(self, event: Failure) -> bool:
        """Whether the failed event's dead letter has been read; where not, look for it before calling `failure`."""
        return self._letters.get(event.letter.packed) == event.request.packed

    def failure(self, event: Failure, *, lettered: bool = True) -> None:
        """Take a failed event; `lettered`: its request's dead letter is where the event says."""
        mark = FAILED if lettered else FAILED | LETTER_MISSING
        before = self._mark(event.request, mark)
        self._late.pop(event.request, None)
        if not lettered and before is not None and not before & LETTER_MISSING and self._is_judged(event.request):
            self._tell(kinds.LETTER_MISSING, event.request, str(event.letter))

    # --- what is committed

    def missing(self, partition: int, end: int) -> Iterator[tuple[int, int]]:
        """Runs (first, end) of offsets not judged yet that have no end; some of them may hold no record."""
        return self.marks.without(ENDED, partition, self.judged[partition], end)

    def count(self, gaps: Gaps) -> None:
        """Count what was found of requests that are closed next."""
        self.unended.take(gaps.unended)
        self.not_judged.update(gaps.not_judged)

    def close(self, partition: int, end: int, unended: OffsetSet) -> None:
        """Judge everything below `end`, which is committed; of its records those in `unended` have no end."""
        first = self.judged[partition]
        if end <= first:
            return
        floor = min(end, self.marks.floors[partition])
        self.not_judged[kinds.BEYOND_ROOM] += max(0, floor - first)
        for kind, having, lacking in (
            (kinds.TWO_ENDS, ENDED, 0),
            (kinds.EVENT_MISSING, LETTERED, FAILED),
            (kinds.LETTER_MISSING, FAILED | LETTER_MISSING, 0),
        ):
            for run in self.marks.wherever(having, lacking, partition, first, end):
                self.tell(Found(kind, partition, *run))
        for run in unended.runs():
            self.tell(Found(kinds.UNENDED, partition, *run))
        self.judged[partition] = end

    def settle(self, now: float) -> None:
        """Report late dead letters whose failed event has not come in time."""
        for place in [each for each, since in self._late.items() if now - since >= LATE]:
            self._without_event(place)

    def unread(self, partition: int, first: int, end: int) -> None:
        """Report offsets that were deleted before the group read them."""
        self.tell(Found(kinds.UNREAD, partition, first, end))

    # --- inside

    def _without_event(self, place: Place) -> None:
        del self._late[place]
        self._tell(kinds.EVENT_MISSING, place)

    def _mark(self, place: Place, mark: int) -> int | None:
        """Mark the request; return what was known of it before, None where nothing is kept of it."""
        if not self.marks.keeps(place):
            return None
        self.tops[place.partition] = max(self.tops.get(place.partition, 0), place.offset + 1)
        before = self.marks.add(place, mark)
        if mark & ENDED:
            self._ended(place, before, before | mark)
        return before

    def _ended(self, place: Place, before: int, after: int) -> None:
        if not self._is_judged(place):
            return
        self.unended.ended(place)
        if after & ENDED == ENDED != before & ENDED:
            self._tell(kinds.TWO_ENDS, place)

    def _is_judged(self, place: Place) -> bool:
        return place.offset < self.judged.get(place.partition, 0)

    def _tell(self, kind: str, place: Place, other: str | None = None) -> None:
        self.tell(Found(kind, place.partition, place.offset, place.offset + 1, other))


def _kept(known: dict[Key, Value], key: Key, value: Value, room: int) -> None:
    """Keep the value; the oldest one is dropped where there is no room."""
    if key not in known and len(known) >= room:
        del known[next(iter(known))]
    known[key] = value
