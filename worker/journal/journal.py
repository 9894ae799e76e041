"""What the journal says of one partition's events: a pure reading of its entries, in their order (design 4.6)."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from worker.journal.by_offset import ByOffset
from worker.journal.entries import (
    NOBODYS,
    Claim,
    Entry,
    EntryKey,
    Finished,
    Intent,
    Notice,
    Owner,
    Released,
    decode,
    decode_claim,
    decode_notice,
    is_claim,
    read_key,
)
from worker.journal.entry_headers import Spans
from worker.journal.packing import ByAge, KnownEvent, KnownRecord, Packing, last_offset, last_seen
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Failed, Outcome, ReasonCode, Succeeded
from worker.model.records import Headers


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


def holder_after(holder: Owner | None, told: Owner | None, adopted_from: str | None = None) -> Owner | None:
    """Whose the partition is after an entry that names its writer's owner: whoever is named first keeps it, until a
    person has it taken over from them.

    Whoever claims has looked first, so that a claim of somebody else is one that came at the same time, and was late.
    Earlier versions named nobody.
    """
    if holder is None or (told is not None and adopted_from == holder.group):
        return told
    return holder


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
    """Nothing stands against a POST; `attempts` were answered before.

    `exists`: a person has accepted that there is a customer of the event already, though nobody knows under which id.
    """

    attempts: int = 0
    exists: bool = False


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
    """A POST of this event may have been carried out, or may still be on its way; `writers` have open intents.

    Where it `exists` it was: then no look-up that finds nothing makes the event sendable.
    """

    attempts: int
    writers: frozenset[str] = frozenset()
    evidence: Evidence = NO_EVIDENCE

    @property
    def exists(self) -> bool:
        """The API said that it made the customer, and not under which id."""
        return self.evidence.exists


@dataclass(frozen=True, slots=True)
class DoubtAsAnother:
    """This very record was in doubt as another event: the settings that say which event it is were changed since.

    Under its present name nobody can look for what may have been created under the other one.
    """

    attempts: int


Recollection = Fresh | Ended | CreatedBefore | InDoubt | DoubtAsAnother


class PartitionJournal:
    """The state of one partition's events, built by applying its entries one by one.

    `below` is the first offset of the requests that may come (again); `newest` the time of the newest entry in the log,
    in milliseconds of the clock that the entries are dated by; `holder` whose the partition is; `expired` are offsets
    of requests, (first, end), that retention deleted before anybody read them.
    """

    def __init__(self, below: int = 0) -> None:
        self.below = below
        self.newest = 0
        self.holder: Owner | None = None
        self.expired: Spans = ()
        self._events: ByAge[bytes | KnownEvent] = ByAge()
        self._places = ByOffset()
        self._other_events: dict[int, list[int]] = {}
        self._packing = Packing()
        self._claimant: str | None = None

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[UUID]:
        """The events, those first whose last entry is oldest."""
        return (UUID(int=number) for number in self._events)

    def claimed(self, claim: Claim, time: int) -> None:
        """From here on the log is this writer's. Who goes on writing all the same does not know it yet."""
        self._claimant = claim.writer
        self.newest = max(self.newest, time)
        self.holder = holder_after(self.holder, claim.owner, claim.adopted_from)
        self.expired = tuple(sorted({*self.expired, *claim.expired}))

    def noticed(self, notice: Notice, time: int) -> None:
        """Who holds the partition is still there."""
        self.newest = max(self.newest, time)
        self.holder = holder_after(self.holder, notice.owner)
        self.expired = tuple(sorted({*self.expired, *notice.expired}))

    def apply(self, key: EntryKey, entry: Entry, time: int) -> None:
        """`time` is milliseconds since the epoch; entries come in the order of the log."""
        self._apply(key.event.int, key.offset, key.writer, entry, time)

    def apply_raw(self, key: bytes, value: bytes, time: int, headers: Headers = ()) -> None:
        """The same, as it stands in the topic. ValueError where it is no entry of this journal."""
        if is_claim(key):
            self.claimed(decode_claim(key, value, headers), time)
            return
        event, offset, writer = read_key(key)
        if event == NOBODYS.int:
            self.noticed(decode_notice(writer, headers), time)
            return
        self._apply(event, offset, writer, decode(value, headers), time)

    def _apply(self, number: int, offset: int, writer: str, entry: Entry, time: int) -> None:
        packed = self._events.pop(number)
        self.newest = max(self.newest, time)
        self._place(offset, number)
        counts = self._claimant in {None, writer}
        # As nearly every entry of a compacted topic.
        if packed is None and counts and isinstance(entry, Finished) and entry.evidence is NO_EVIDENCE:
            self._events.put(number, self._packing.ended(time, offset, entry.outcome))
            return
        event = KnownEvent() if packed is None else self._packing.unpack(packed)
        event.seen = time
        _note(event.records.setdefault(offset, KnownRecord()), writer, entry, counts=counts)
        self._events.put(number, self._packing.pack(event))

    def _place(self, offset: int, number: int) -> None:
        """What is committed is not looked up any more; that a record is known as several events is rare."""
        if offset < self.below:
            return
        self._places.add(offset, number)
        if self._places.get(offset) != number and number not in self._other_events.get(offset, ()):
            self._other_events.setdefault(offset, []).append(number)

    def remember(self, earlier: "PartitionJournal") -> None:
        """What stood in a log that is gone, of records of which this one says nothing."""
        found, self._events = self._events, ByAge()
        self.newest = max(self.newest, earlier.newest)
        self.expired = tuple(sorted({*self.expired, *earlier.expired}))
        for known in earlier:
            # Who wrote there may still do so: what that changes is not known to anybody else.
            event = deepcopy(earlier.known(known))
            self._events.put(known.int, self._packing.pack(event))
            for offset in event.records:
                self._place(offset, known.int)
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
        place = self._at(offset)
        if ended := next((known.outcome for known in (*place.values(), own) if known.outcome), None):
            return Ended(ended)
        if created := next((known.created for known in (*records.values(), *place.values()) if known.created), None):
            return CreatedBefore(created)
        others = (known for number, known in place.items() if number != event.int)
        if doubt := next((known for known in others if known.in_doubt()), None):
            return DoubtAsAnother(doubt.attempts)
        evidence = _evidence(records)
        if any(known.in_doubt() and not (doubts_accepted and _parked(known)) for known in records.values()):
            return InDoubt(own.attempts, frozenset().union(*(known.open for known in records.values())), evidence)
        return Fresh(own.attempts, exists=evidence.exists)

    def finish(self, event: UUID, outcome: Outcome, told: Evidence | None = None) -> Finished:
        """The entry of a record's end. A doubt's holds all that is known of the event's customer, `told` by the record
        too: it may be the only entry that compaction and retention leave of it.
        """
        if not _unknown(outcome):
            return Finished(outcome)
        evidence = _evidence(self.known(event).records)
        return Finished(outcome, evidence=evidence if told is None else evidence | told)

    def _at(self, offset: int) -> dict[int, KnownRecord]:
        """The record at that offset by each event that it was taken for, in their order: settings that say which may
        be changed, and changed back.
        """
        first = self._places.get(offset)
        numbers = () if first is None else (first, *self._other_events.get(offset, ()))
        return {number: self.known(UUID(int=number)).records.get(offset, KnownRecord()) for number in numbers}

    def forget(self, *, below: int, before: int, at_most: int) -> None:
        """Drop the oldest events, last seen `before` that time or too many; what is not committed (`below`) stays."""
        self.below = max(self.below, below)
        self._places.drop(below)
        for offset in [each for each in self._other_events if each < below]:
            del self._other_events[offset]
        surplus, forgotten = len(self._events) - at_most, 0
        for event in self._events.values():
            kept = last_seen(event) >= before and forgotten >= surplus
            if kept or last_offset(event) >= below:
                break
            forgotten += 1
        self._events.drop(forgotten)


def _parked(known: KnownRecord) -> bool:
    """A person was told so, in a dead letter."""
    return known.outcome is not None and _unknown(known.outcome)


def _unknown(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.reason.code is ReasonCode.OUTCOME_UNKNOWN


def _evidence(records: Mapping[int, KnownRecord]) -> Evidence:
    """Of all doubts of an event. There was no customer before them only if each of them says so."""
    doubts = [known.evidence for known in records.values() if known.in_doubt()]
    founds = [found for evidence in doubts if (found := evidence.found_before) is not None]
    found = tuple(sorted({*chain.from_iterable(founds)})) if founds and len(founds) == len(doubts) else None
    evidence = Evidence(any(each.exists for each in doubts), found)
    return NO_EVIDENCE if evidence == NO_EVIDENCE else evidence


def _note(known: KnownRecord, writer: str, entry: Entry, *, counts: bool) -> None:
    """An outcome that does not `count` was never told, and never will be: it is evidence, for or against a customer."""
    match entry:
        case Intent(attempt):
            known.learn(entry.evidence)
            known.open.add(writer)
            known.attempts = max(known.attempts, attempt)
        case Released(attempt):
            known.open.discard(writer)
            known.attempts = attempt
        case Finished(outcome):
            known.learn(entry.evidence)
            known.open.discard(writer)
            known.outcome = known.outcome or (outcome if counts else None)
            if isinstance(outcome, Succeeded):
                known.created = known.created or outcome
            elif _unknown(outcome):
                known.unknown = True
    if not known.in_doubt():
        known.evidence = NO_EVIDENCE
