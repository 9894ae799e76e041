"""What the journal says of one partition's events: a pure reading of its entries, in their order (design 4.6)."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from earlier.entries import Entry, EntryKey, Finished, Intent, Released, decode, decode_claim, is_claim, read_key
from earlier.memory import ByAge, KnownEvent, KnownRecord, Packing, last_offset, last_seen
from earlier.outcomes import Failed, Outcome, ReasonCode, Succeeded


@dataclass(slots=True)
class Fence:
    """Whether anybody else has written to the partition since our claim, which stands at offset `claimed`.

    The brokers' acknowledgements carry offsets: as long as our own follow one another, nobody has. Judge with it at
    the acknowledgement of every entry, before the POST and before anything is published. `anew` is a gap backwards:
    the topic was deleted and made again, and knows nothing of what stood in it.
    """

    claimed: int
    broken: bool = False
    anew: bool = False
    last: int = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.claimed

    def acknowledged(self, offset: int) -> None:
        """Our next entry is stored at this offset; a gap before it stays a gap."""
        self.broken = self.broken or offset != self.last + 1
        self.anew = self.anew or offset <= self.last
        self.last = max(self.last, offset)


class Moment(NamedTuple):
    """Now, on the clock that counts since boot and on the wall clock: either may stand still or jump. Seconds."""

    boot: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Whichever went further; a wall clock that was set back takes nothing away."""
        return max(self.boot - earlier.boot, self.wall - earlier.wall)


class Lease(NamedTuple):
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


class PartitionJournal:
    """The state of one partition's events, built by applying its entries one by one."""

    def __init__(self) -> None:
        self._events: ByAge[bytes | KnownEvent] = ByAge()
        self._packing = Packing()
        self._claimant: str | None = None

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[UUID]:
        """The events, those first whose last entry is oldest."""
        return (UUID(int=number) for number in self._events)

    def claimed(self, writer: str) -> None:
        """From here on the log is this writer's. Who goes on writing all the same does not know it yet."""
        self._claimant = writer

    def apply(self, key: EntryKey, entry: Entry, time: int) -> None:
        """`time` is milliseconds since the epoch; entries come in the order of the log."""
        self._apply(key.event.int, key.offset, key.writer, entry, time)

    def apply_raw(self, key: bytes, value: bytes, time: int) -> None:
        """The same, as it stands in the topic. ValueError where it is no entry of this journal."""
        if is_claim(key):
            self.claimed(decode_claim(key, value).writer)
            return
        event, offset, writer = read_key(key)
        self._apply(event, offset, writer, decode(value), time)

    def _apply(self, number: int, offset: int, writer: str, entry: Entry, time: int) -> None:
        packed = self._events.pop(number)
        counts = self._claimant in {None, writer}
        if packed is None and counts and isinstance(entry, Finished):  # as nearly every entry of a compacted topic
            self._events.put(number, self._packing.ended(time, offset, entry.outcome))
            return
        event = KnownEvent() if packed is None else self._packing.unpack(packed)
        event.seen = time
        _note(event.records.setdefault(offset, KnownRecord()), writer, entry, counts=counts)
        self._events.put(number, self._packing.pack(event))

    def remember(self, earlier: "PartitionJournal") -> None:
        """What stood in a log that is gone, of records of which this one says nothing."""
        found, self._events = self._events, ByAge()
        for known in earlier:
            # Who wrote there may still do so: what that changes is not known to anybody else.
            self._events.put(known.int, self._packing.pack(deepcopy(earlier.known(known))))
        for number, packed in zip(found, found.values(), strict=True):
            before, event = self._events.pop(number), self._packing.unpack(packed)
            if before is not None:
                event.records = self._packing.unpack(before).records | event.records
            self._events.put(number, self._packing.pack(event))

    def known(self, event: UUID) -> KnownEvent:
        """All that is known of it; only to be read."""
        packed = self._events.get(event.int)
        return KnownEvent() if packed is None else self._packing.unpack(packed)

    def recall(self, event: UUID, offset: int, *, doubts_accepted: bool = False) -> Recollection:
        """What is known before this record is worked on.

        `doubts_accepted`: a person wants this record sent although others of its event were parked as unknown. What
        was told as parked is no doubt then; an open intent that nobody has settled is one, this record's own above all.
        """
        records = self.known(event).records
        own = records.get(offset, KnownRecord())
        if own.outcome:
            return Ended(own.outcome)
        if created := next((known.created for known in records.values() if known.created), None):
            return CreatedBefore(created)
        if any(known.in_doubt() and not (doubts_accepted and _parked(known)) for known in records.values()):
            return InDoubt(own.attempts, frozenset().union(*(known.open for known in records.values())))
        return Fresh(own.attempts)

    def forget(self, *, below: int, before: int, at_most: int) -> None:
        """Drop the oldest events, last seen `before` that time or too many; what is not committed (`below`) stays."""
        surplus, forgotten = len(self._events) - at_most, 0
        for event in self._events.values():
            kept = last_seen(event) >= before and forgotten >= surplus
            if kept or last_offset(event) >= below:
                break
            forgotten += 1
        self._events.drop(forgotten)


def _parked(known: KnownRecord) -> bool:
    """A person was told so, in a dead letter."""
    return isinstance(known.outcome, Failed) and known.outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN


def _note(known: KnownRecord, writer: str, entry: Entry, *, counts: bool) -> None:
    """An outcome that does not `count` was never told, and never will be: it is evidence, for or against a customer."""
    match entry:
        case Intent(attempt):
            known.open.add(writer)
            known.attempts = max(known.attempts, attempt)
        case Released(attempt):
            known.open.discard(writer)
            known.attempts = attempt
        case Finished(outcome):
            known.open.discard(writer)
            known.outcome = known.outcome or (outcome if counts else None)
            if isinstance(outcome, Succeeded):
                known.created = known.created or outcome
            elif outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN:
                known.unknown = True
