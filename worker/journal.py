"""What the journal says of one partition's events: a pure reading of its entries, in their order (design 4.6)."""

from dataclasses import dataclass, field
from typing import Annotated, Literal
from uuid import UUID

import orjson
from pydantic import Field, TypeAdapter

from worker.outcomes import Failed, Outcome, ReasonCode, Succeeded


@dataclass(frozen=True, slots=True)
class Intent:
    """A POST may be on its way from now on."""

    attempt: int
    state: Literal["intent"] = "intent"


@dataclass(frozen=True, slots=True)
class Released:
    """That POST was certainly not carried out; `attempt` counts the answered ones so far."""

    attempt: int
    state: Literal["released"] = "released"


@dataclass(frozen=True, slots=True)
class Finished:
    """The record's outcome; the first one in the log counts, for every reader."""

    outcome: Outcome
    state: Literal["finished"] = "finished"


Entry = Intent | Released | Finished
_ENTRY: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="state")])


@dataclass(frozen=True, slots=True)
class EntryKey:
    """Whose state an entry holds: no writer ever overwrites another's entry."""

    event: UUID
    offset: int
    writer: str

    def encode(self) -> bytes:
        """`<event>/<record offset>/<writer>`."""
        return f"{self.event}/{self.offset}/{self.writer}".encode()


CLAIM = b"claim"


@dataclass(frozen=True, slots=True)
class Claim:
    """From here on the partition is `writer`'s; whoever else goes on writing makes a gap in its own offsets."""

    writer: str
    state: Literal["claim"] = "claim"


def decode_key(raw: bytes) -> EntryKey:
    """ValueError where the bytes are no key of this journal."""
    event, offset, writer = raw.decode().split("/")
    return EntryKey(UUID(event), int(offset), writer)


def encode(entry: Entry | Claim) -> bytes:
    """The entry's value in the topic."""
    return orjson.dumps(entry)


def decode(raw: bytes) -> Entry:
    """ValueError where the bytes are no entry of this journal."""
    return _ENTRY.validate_json(raw)


@dataclass(slots=True)
class Fence:
    """Whether anybody else has written to the partition since our claim, which stands at offset `claimed`.

    The brokers' acknowledgements carry offsets: as long as our own follow one another, nobody has. Judge with it at
    the acknowledgement of every entry, before the POST and before anything is published.
    """

    claimed: int
    broken: bool = False
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.claimed

    def acknowledged(self, offset: int) -> None:
        """Our next entry is stored at this offset; a gap before it stays a gap."""
        self.broken = self.broken or offset != self.last + 1
        self.last = max(self.last, offset)


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on the clock that counts since boot and on the wall clock: either may stand still or jump. Seconds."""

    boot: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Whichever went further; a wall clock that was set back takes nothing away."""
        return max(self.boot - earlier.boot, self.wall - earlier.wall)


@dataclass(frozen=True, slots=True)
class Lease:
    """A POST may start less than `ttl` seconds after its intent was handed to the producer, not after its ack."""

    handed: Moment
    ttl: float

    def is_over(self, now: Moment) -> bool:
        """Then the intent has to be given back: somebody else may be settling it."""
        return now.since(self.handed) >= self.ttl


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nothing stands against a POST; `attempts` were answered before."""

    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """This very record has its outcome; it only has to be published again."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class CreatedBefore:
    """Another record of the same event made the customer."""

    outcome: Succeeded


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A POST of this event may have been carried out, or may still be on its way; `writers` have open intents."""

    attempts: int
    writers: frozenset[str] = frozenset()


Recollection = Fresh | Ended | CreatedBefore | InDoubt


@dataclass(slots=True)
class _Known:
    """One record of an event."""

    open: set[str] = field(default_factory=set)
    attempts: int = 0
    outcome: Outcome | None = None
    created: Succeeded | None = None

    def in_doubt(self) -> bool:
        match self.outcome:
            case None:
                return bool(self.open)
            case Failed(reason):
                return reason.code is ReasonCode.OUTCOME_UNKNOWN
            case Succeeded():
                return False


@dataclass(slots=True)
class _Event:
    """All records of an event, by their offsets; `seen` is the time of its last entry, in milliseconds."""

    seen: int = 0
    records: dict[int, _Known] = field(default_factory=dict)


class PartitionJournal:
    """The state of one partition's events, built by applying its entries one by one."""

    def __init__(self) -> None:
        self._events: dict[UUID, _Event] = {}

    def __len__(self) -> int:
        return len(self._events)

    def apply(self, key: EntryKey, entry: Entry, time: int) -> None:
        """`time` is milliseconds since the epoch; entries come in the order of the log."""
        event = self._events.pop(key.event, None) or _Event()
        self._events[key.event] = event
        event.seen = time
        known = event.records.setdefault(key.offset, _Known())
        match entry:
            case Intent(attempt):
                known.open.add(key.writer)
                known.attempts = max(known.attempts, attempt)
            case Released(attempt):
                known.open.discard(key.writer)
                known.attempts = attempt
            case Finished(outcome):
                known.open.discard(key.writer)
                known.outcome = known.outcome or outcome
                if isinstance(outcome, Succeeded):
                    # Told or not (its writer may have been fenced): whoever asks for this event again is answered.
                    known.created = known.created or outcome

    def recall(self, event: UUID, offset: int) -> Recollection:
        """What is known before this record is worked on."""
        records = self._events[event].records if event in self._events else {}
        own = records.get(offset, _Known())
        if own.outcome:
            return Ended(own.outcome)
        if created := next((known.created for known in records.values() if known.created), None):
            return CreatedBefore(created)
        if any(known.in_doubt() for known in records.values()):
            return InDoubt(own.attempts, frozenset().union(*(known.open for known in records.values())))
        return Fresh(own.attempts)

    def forget(self, *, below: int, before: int, at_most: int) -> None:
        """Drop the oldest events, last seen `before` that time or too many; what is not committed (`below`) stays."""
        while self._events:
            oldest, event = next(iter(self._events.items()))
            kept = event.seen >= before and len(self._events) <= at_most
            if kept or any(offset >= below for offset in event.records):
                return
            del self._events[oldest]
