"""What is known of many events: packed, since hardly any of them is ever asked for again."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from struct import Struct
from typing import Generic, TypeVar

from worker.journal.outcome_json import decode_outcome, encode_outcome
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Failed, Outcome, Reason, ReasonCode, Resolution, Succeeded


@dataclass(slots=True)
class KnownRecord:
    """One record of an event. `open` are the writers whose POST may have been carried out.

    `outcome` is the first that counts; `created` is a customer, whether it was told or not; `unknown` is that some
    writer parked it, and a doubt outlives every failure that somebody else is certain of. `evidence` outlives both.
    """

    open: set[str] = field(default_factory=set)
    attempts: int = 0
    outcome: Outcome | None = None
    created: Succeeded | None = None
    unknown: bool = False
    evidence: Evidence = NO_EVIDENCE

    def in_doubt(self) -> bool:
        """Nobody can tell from this record alone whether the customer exists, or under which id."""
        return self.created is None and (self.unknown or self.evidence.exists or bool(self.open))

    def learn(self, evidence: Evidence) -> None:
        """What an entry says beside its attempt."""
        if evidence is not NO_EVIDENCE:
            self.evidence |= evidence


def ended(outcome: Outcome, attempts: int = 0) -> KnownRecord:
    """A record of which nothing but its outcome is known."""
    created = outcome if isinstance(outcome, Succeeded) else None
    unknown = isinstance(outcome, Failed) and outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN
    return KnownRecord(set(), attempts, outcome, created, unknown)


@dataclass(slots=True)
class KnownEvent:
    """All records of an event, by their offsets; `seen` is the time of its last entry, in milliseconds."""

    seen: int = 0
    records: dict[int, KnownRecord] = field(default_factory=dict)


Kind = tuple[str, str, Resolution] | Reason
"""What many outcomes have in common: location without the id, customer type and resolution; or the whole reason."""

# Seen, record offset, attempts, kind; what follows is the customer's id, or the outcome as JSON where no kind fits.
HEAD = Struct(">qqHH")
UNKIND = 0xFFFF
MAX_KINDS = 1_000
MAX_ATTEMPTS = 0xFFFF


class Packing:
    """Turns an event of one record that has ended into bytes, and back; all others stay as they are."""

    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._numbers: dict[Kind, int] = {}

    def pack(self, event: KnownEvent) -> bytes | KnownEvent:
        """Both forms say the same; `unpack` takes either."""
        if len(event.records) != 1:
            return event
        ((offset, known),) = event.records.items()
        if known.open or known.outcome is None or known != ended(known.outcome, known.attempts):
            return event
        return self.ended(event.seen, offset, known.outcome)

    def unpack(self, packed: bytes | KnownEvent) -> KnownEvent:
        """The attempts of a record that has ended are in its outcome alone."""
        if isinstance(packed, KnownEvent):
            return packed
        seen, offset, attempts, number = HEAD.unpack_from(packed)
        rest = packed[HEAD.size :]
        outcome = decode_outcome(rest) if number == UNKIND else _outcome(self._kinds[number], rest.decode(), attempts)
        return KnownEvent(seen, {offset: ended(outcome)})

    def ended(self, seen: int, offset: int, outcome: Outcome) -> bytes:
        """An event of that one record, packed."""
        number = self._number(outcome) if outcome.attempts <= MAX_ATTEMPTS else UNKIND
        if number == UNKIND:
            return HEAD.pack(seen, offset, 0, UNKIND) + encode_outcome(outcome)
        customer_id = outcome.customer_id if isinstance(outcome, Succeeded) else ""
        return HEAD.pack(seen, offset, outcome.attempts, number) + customer_id.encode()

    def _number(self, outcome: Outcome) -> int:
        """Few kinds are usual, and no more are kept: each reason that quotes its record would be another."""
        kind = _kind(outcome)
        if kind is None:
            return UNKIND
        number = self._numbers.get(kind)
        if number is None:
            if len(self._kinds) == MAX_KINDS:
                return UNKIND
            number = self._numbers[kind] = len(self._kinds)
            self._kinds.append(kind)
        return number


def _kind(outcome: Outcome) -> Kind | None:
    if isinstance(outcome, Failed):
        return None if outcome.reason.violations else outcome.reason
    if not outcome.location.endswith(outcome.customer_id):
        return None
    return outcome.location.removesuffix(outcome.customer_id), outcome.customer_type, outcome.resolution


def _outcome(kind: Kind, customer_id: str, attempts: int) -> Outcome:
    if isinstance(kind, Reason):
        return Failed(kind, attempts)
    location, customer_type, resolution = kind
    return Succeeded(customer_id, location + customer_id, customer_type, attempts, resolution)


def last_seen(packed: bytes | KnownEvent) -> int:
    """When the event's last entry was written; nothing else is unpacked."""
    if isinstance(packed, KnownEvent):
        return packed.seen
    seen: int = HEAD.unpack_from(packed)[0]
    return seen


def last_offset(packed: bytes | KnownEvent) -> int:
    """The highest offset of its records; nothing else is unpacked."""
    if isinstance(packed, KnownEvent):
        return max(packed.records)
    offset: int = HEAD.unpack_from(packed)[1]
    return offset


V = TypeVar("V")

# Two thirds of 2**15: what the largest dict with two-byte indexes holds without growing.
PAGE = 21_845
# So many pages hold all there is, more or less: whoever is new is looked for in each of them.
FEW = 8


class ByAge(Generic[V]):
    """Values by number, in the order in which they were last put; looking at the oldest is always fast.

    One dict would keep a hole wherever something was put anew or dropped, walk over the holes at each look at its
    first value, and double its room when it meets its end. Here a page is filled once, and then only emptied. Where
    there is more to hold the pages are larger, not more of them: what is not there is found out in a few looks.
    """

    def __init__(self, page: int = PAGE) -> None:
        self._pages: deque[dict[int, V]] = deque()
        self._page = page
        self._room = 0

    def __len__(self) -> int:
        return sum(map(len, self._pages))

    def __iter__(self) -> Iterator[int]:
        """Oldest first."""
        return chain.from_iterable(self._pages)

    def values(self) -> Iterator[V]:
        """Oldest first."""
        return chain.from_iterable(page.values() for page in self._pages)

    def get(self, number: int) -> V | None:
        """None where there is none."""
        for page in reversed(self._pages):
            if number in page:
                return page[number]
        return None

    def pop(self, number: int) -> V | None:
        """None where there is none."""
        for page in reversed(self._pages):
            if number in page:
                value = page.pop(number)
                if not page and page is not self._pages[-1]:
                    self._pages.remove(page)
                return value
        return None

    def put(self, number: int, value: V) -> None:
        """As the youngest; it must not be there (`pop` it first)."""
        if not self._room:
            self._room = self._next_page()
            self._pages.append({})
        self._pages[-1][number] = value
        self._room -= 1

    def _next_page(self) -> int:
        """Its room: what a dict holds that has doubled until few of its size hold all there is."""
        room = self._page
        while room * FEW < len(self):
            room *= 2
        return room

    def drop(self, count: int) -> None:
        """Without the oldest ones; a page that is empty gives its room back."""
        while self._pages and count >= len(self._pages[0]):
            count -= len(self._pages.popleft())
        if self._pages:
            for number in list(islice(self._pages[0], count)):
                del self._pages[0][number]
        else:
            self._room = 0
