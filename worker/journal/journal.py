"""What one partition's journal says of its events: its entries, read in their order (docs: design, the journal)."""

from collections.abc import Iterator
from copy import deepcopy
from uuid import UUID

from worker.journal.by_age import ByAge
from worker.journal.by_offset import ByOffset
from worker.journal.entries import (
    NOBODYS,
    Claim,
    Entry,
    EntryKey,
    Finished,
    Notice,
    Owner,
    decode,
    decode_claim,
    decode_notice,
    is_claim,
    read_key,
)
from worker.journal.folding import folded, is_due
from worker.journal.known import KnownEvent, KnownRecord, is_unknown
from worker.journal.packing import Packing, last_offset, last_seen
from worker.journal.recall import Fresh, Recollection, evidence_of, recall
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Outcome
from worker.model.progress import Spans
from worker.model.records import Headers


def holder_after(holder: Owner | None, told: Owner | None, adopted_from: str | None = None) -> Owner | None:
    """Whose the partition is after an entry that names an owner: the first one keeps it, until a person has it adopted.

    A worker looks at the owner before it claims. So a claim of another owner was written at the same time as the first
    one, and came too late. Earlier versions named nobody.
    """
    if holder is None or (told is not None and adopted_from == holder.group):
        return told
    return holder


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
        """The events, in the order of their last entries, the oldest first."""
        return (UUID(int=number) for number in self._events)

    def claimed(self, claim: Claim, time: int) -> None:
        """Apply a claim: from here on the log is this writer's.

        Another one that goes on writing does not know it yet.
        """
        self._claimant = claim.writer
        self.newest = max(self.newest, time)
        self.holder = holder_after(self.holder, claim.owner, claim.adopted_from)
        self.expired = tuple(sorted({*self.expired, *claim.expired}))

    def noticed(self, notice: Notice, time: int) -> None:
        """Apply a notice: the partition's holder still has it."""
        self.newest = max(self.newest, time)
        self.holder = holder_after(self.holder, notice.owner)
        self.expired = tuple(sorted({*self.expired, *notice.expired}))

    def apply(self, key: EntryKey, entry: Entry, time: int) -> None:
        """Apply an entry; entries come in the order of the log. `time` is milliseconds since the epoch."""
        self._apply(key.event.int, key.offset, key.writer, entry, time)

    def apply_raw(self, key: bytes, value: bytes, time: int, headers: Headers = ()) -> None:
        """Apply a claim, a notice or an entry as it stands in the topic.

        ValueError where it is none of this journal.
        """
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
        # The short way, for nearly every entry of a compacted topic.
        if packed is None and counts and isinstance(entry, Finished) and entry.evidence is NO_EVIDENCE:
            self._events.put(number, self._packing.ended(time, offset, entry.outcome))
            return
        event = KnownEvent() if packed is None else self._packing.unpack(packed)
        event.seen = time
        if offset not in event.records and is_due(len(event.records)):
            event.records = folded(event.records, self.below)
        event.records.setdefault(offset, KnownRecord()).note(writer, entry, counts=counts)
        self._events.put(number, self._packing.pack(event))

    def _place(self, offset: int, number: int) -> None:
        """Note which event the record at that offset is, unless it is committed: then it is not looked up any more.

        That a record is known as several events is rare.
        """
        if offset < self.below:
            return
        if self._places.add(offset, number) != number and number not in self._other_events.get(offset, ()):
            self._other_events.setdefault(offset, []).append(number)

    def remember(self, earlier: "PartitionJournal") -> None:
        """Add what stood in a log that is gone, about records of which this one says nothing."""
        found, self._events = self._events, ByAge()
        self.newest = max(self.newest, earlier.newest)
        self.expired = tuple(sorted({*self.expired, *earlier.expired}))
        for known in earlier:
            # A copy: whoever wrote under the earlier journal may still change that one, and no other worker would know.
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
        """All that is known of the event; the caller must not change it."""
        packed = self._events.get(event.int)
        return KnownEvent() if packed is None else self._packing.unpack(packed)

    def recall(self, event: UUID, offset: int, *, doubts_accepted: bool = False) -> Recollection:
        """What is known before this record is worked on.

        `doubts_accepted`: a person wants this record sent although others of its event were parked as unknown. What was
        parked counts as no doubt then; an open intent that nobody has ended still does, above all this record's own.
        """
        if self._places.get(offset) is None and self._events.get(event.int) is None:
            return Fresh()  # as nearly every record
        numbers = dict.fromkeys((*self._at(offset), event.int))
        events = {number: self.known(UUID(int=number)).records for number in numbers}
        taken = {number: records.get(offset, KnownRecord()) for number, records in events.items()}
        return recall(events[event.int], taken, event.int, doubts_accepted=doubts_accepted)

    def finish(self, event: UUID, outcome: Outcome, told: Evidence | None = None) -> Finished:
        """The entry of a record's end.

        An unknown outcome's entry holds all the evidence of the event's customer, what the record `told` included: it
        may be the only entry of the event that compaction and retention leave.
        """
        if not is_unknown(outcome):
            return Finished(outcome)
        evidence = evidence_of(self.known(event).records)
        return Finished(outcome, evidence=evidence if told is None else evidence | told)

    def _at(self, offset: int) -> tuple[int, ...]:
        """The events that the record at that offset was taken for, in their order.

        There are several where the settings that say which event a record is were changed, and perhaps changed back.
        """
        first = self._places.get(offset)
        return () if first is None else (first, *self._other_events.get(offset, ()))

    def forget(self, *, below: int, before: int, at_most: int) -> None:
        """Drop the oldest events: those last seen `before` that time (milliseconds), and those that are too many.

        An event with a record that is not committed (at `below` or above it) stays.
        """
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
