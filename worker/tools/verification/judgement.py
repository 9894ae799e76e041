"""Judges what was read: each request ends once, letters and failed events belong together, one customer an event."""

from collections.abc import Iterable, Iterator, Mapping

from worker.tools.reading.offset_set import OffsetSet, Run
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet
from worker.tools.verification.ranges import ALL, Range, Spans
from worker.tools.verification.reading import Failure, Success
from worker.tools.verification.report import Finding, places, runs_text
from worker.tools.verification.table import Table

# So many events, and letters, are told apart at most: 220 MB.
ROOM = 10_000_000
# So many events are looked at one by one for their customers; so many places are shown of a finding.
MOST_SUSPECTS = 1_000
SHOWN = 20


class Letters:
    """Compares dead letters with failed events; the letters must be read first."""

    def __init__(self, spans: Spans, letters: int, log: Spans, room: int = ROOM) -> None:
        """`log` are the dead-letter topic's (first, end) offsets, `letters` is the most records that it can hold."""
        self.failed, self.lettered, self.old = PlaceSet(spans), PlaceSet(spans), PlaceSet(spans)
        self._of = Table(min(letters, room))
        self._log = log
        self.lost, self.gone, self.unknown = 0, 0, 0
        self.shown: list[str] = []

    def letter(self, at: Place, request: Place, *, old: bool) -> None:
        """Take a dead letter; `old`: its failed event may have been deleted since."""
        self._of.put(at.packed + 1, request.packed)
        (self.old if old else self.lettered).add(request)

    def failure(self, event: Failure) -> None:
        """Take a failed event: its letter must be where it says, and be about the same request."""
        self.failed.add(event.request)
        if not self._is_judged(event.request) or self._of.get(event.letter.packed + 1) == event.request.packed:
            return
        first, end = self._log.get(event.letter.partition, (0, 0))
        if event.letter.offset < first:
            self.gone += 1
        elif self._of.get(event.letter.packed + 1) is None and self._of.is_full and event.letter.offset < end:
            self.unknown += 1
        else:
            self.lost += 1
            self.shown += [f"{event.request} -> {event.letter}"] if self.lost <= SHOWN else []

    def _is_judged(self, request: Place) -> bool:
        first, end = self.failed.spans.get(request.partition, (0, 0))
        return first <= request.offset < end

    def findings(self) -> Iterator[Finding]:
        """Letters without an event, and events without a letter."""
        alone = {number: bits.without(self.failed.parts[number]) for number, bits in self.lettered.parts.items()}
        yield places("dead_letter_without_failed_event", alone)
        yield Finding("failed_event_without_dead_letter", self.lost, tuple(self.shown))

    def not_judged(self) -> Iterator[Finding]:
        """What cannot be judged: it was deleted, or there was no room for it."""
        alone = {number: bits.without(self.failed.parts[number]) for number, bits in self.old.parts.items()}
        yield places("failed_event_may_be_deleted", alone)
        yield Finding("dead_letter_deleted", self.gone)
        yield Finding("dead_letters_beyond_room", self.unknown)


class Customers:
    """Finds events with more than one customer, wherever they were repeated.

    Events and customers are kept as 64-bit hashes, so that this only suspects; `Suspects` finds out. Those `wanted` may
    be repeats of others.
    """

    def __init__(self, events: int, room: int = ROOM, wanted: Range = ALL) -> None:
        self._wanted = wanted
        self._first = Table(min(events, room))
        self.suspects: set[int] = set()
        self.unknown = 0

    def success(self, event: Success) -> None:
        """Take a succeeded event, published once or again."""
        key, customer = _key(event), hash(event.customer) & 0xFFFF_FFFF_FFFF_FFFF
        first = self._first.put(key, customer)
        if first is None or (first != customer and key not in self.suspects and len(self.suspects) >= MOST_SUSPECTS):
            self.unknown += event.request in self._wanted
        elif first != customer:
            self.suspects.add(key)

    def not_judged(self) -> Iterator[Finding]:
        """Events that there was no room for."""
        yield Finding("events_beyond_room", self.unknown)


class Suspects:
    """The suspected events by their names, not hashes, each with the first request of each of its first customers.

    Found are those of which at least one request is `wanted`.
    """

    def __init__(self, suspects: set[int], wanted: Range = ALL) -> None:
        self._suspects, self._wanted = suspects, wanted
        self._named: set[tuple[str, str]] = set()
        self._customers: dict[tuple[str, str], dict[str, Place]] = {}
        self._confirmed: dict[tuple[str, str], set[str]] = {}

    def success(self, event: Success) -> None:
        """Take a succeeded event; only suspected ones count."""
        if _key(event) in self._suspects:
            if event.request in self._wanted:
                self._named.add((event.source, event.id))
            customers = self._customers.setdefault((event.source, event.id), {})
            if len(customers) < SHOWN:
                customers.setdefault(event.customer, event.request)
                if event.confirmed:
                    self._confirmed.setdefault((event.source, event.id), set()).add(event.customer)

    def findings(self) -> Iterator[Finding]:
        """Events that do have several customers: made by the worker, or named by a person who was mistaken."""
        several = [name for name, each in self._customers.items() if len(each) > 1 and name in self._named]
        mistaken = [
            name for name in several if len(self._customers[name].keys() - self._confirmed.get(name, set())) < 2
        ]
        made = [name for name in several if name not in mistaken]
        for kind, names in (("two_customers_for_one_event", made), ("confirmed_another_customer", mistaken)):
            yield Finding(kind, len(names), tuple(map(self._told, names[:SHOWN])))

    def _told(self, name: tuple[str, str]) -> str:
        confirmed = self._confirmed.get(name, set())
        customers = (
            f"{customer} ({place}{', confirmed' if customer in confirmed else ''})"
            for customer, place in self._customers[name].items()
        )
        return f"{' '.join(name)}: {', '.join(customers)}"


def _key(event: Success) -> int:
    return hash((event.source, event.id)) & 0xFFFF_FFFF_FFFF_FFFF


class Ends:
    """Which requests ended how; those without an end are looked up in the request topic itself."""

    def __init__(self, spans: Spans) -> None:
        self.succeeded, self._gaps, self._old = PlaceSet(spans), PlaceSet(spans), PlaceSet(spans)
        self._unbegun = PlaceSet(spans)

    def missing(self, failed: PlaceSet) -> dict[int, OffsetSet]:
        """Offsets without an event; many of them may have no record either, since markers and compaction leave gaps."""
        return {number: bits.either(failed.parts[number]).others() for number, bits in self.succeeded.parts.items()}

    def record(self, place: Place, *, old: bool) -> None:
        """Note a record at a missing offset; `old`: its event may have been deleted since."""
        (self._old if old else self._gaps).add(place)

    def unbegun(self, place: Place) -> None:
        """Note a record at a missing offset before which the group may have begun."""
        self._unbegun.add(place)

    def findings(self, failed: PlaceSet) -> Iterator[Finding]:
        """Requests with no terminal event, or with two of them."""
        yield places("no_terminal_event", self._gaps.parts)
        both = {number: bits.both(failed.parts[number]) for number, bits in self.succeeded.parts.items()}
        yield places("two_terminal_events", both)

    def not_judged(self) -> Iterator[Finding]:
        """Requests whose event may be deleted, and those that the group may never have read."""
        yield places("terminal_event_may_be_deleted", self._old.parts)
        yield places("before_the_start", self._unbegun.parts)


def deleted_unread(runs: Mapping[int, Iterable[Run]]) -> Finding:
    """The finding about offsets that were deleted before the group read them."""
    found = [(number, first, end) for number, spans in sorted(runs.items()) for first, end in spans]
    count = sum(end - first for _, first, end in found)
    return Finding("deleted_unread", count, tuple(runs_text(found))[:SHOWN])
