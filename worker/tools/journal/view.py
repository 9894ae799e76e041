"""What one partition of the journal knows, for people and their tools: events, and open doubts."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.journal.entries import NOBODYS, Entry, EntryKey, decode, decode_claim, decode_key, is_claim
from worker.journal.journal import PartitionJournal
from worker.journal.known import KnownRecord
from worker.journal.recall import CreatedBefore, InDoubt
from worker.model.errors import JournalUnreadable
from worker.model.outcomes import EXISTS, Outcome, Succeeded
from worker.model.records import Record

NO_RECORD = -1
# Milliseconds since the epoch: the first and the last years that a calendar holds.
EARLIEST, LATEST = -62_135_596_800_000, 253_402_300_799_999
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and its place in the journal; `time` is milliseconds since the epoch."""

    position: int
    time: int
    key: EntryKey
    entry: Entry

    def as_dict(self) -> Json:
        """The entry without its outcome, which is told with its record."""
        place = {"journalOffset": self.position, "time": moment(self.time), "offset": self.key.offset}
        return place | {"writer": self.key.writer, "state": self.entry.state}


@dataclass(slots=True)
class Partition:
    """What one partition of the journal knows: of all events, of those `among`, or `only` of one, entry by entry.

    `owner` is the writer of the latest claim; `since` is when each open doubt began (milliseconds since the epoch).
    """

    topic: str
    number: int
    only: UUID | None = None
    among: Collection[UUID] | None = None
    owner: str | None = None
    journal: PartitionJournal = field(default_factory=PartitionJournal)
    lines: list[Line] = field(default_factory=list)
    since: dict[tuple[UUID, int], int] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Add records, in the order of the log. Raises JournalUnreadable."""
        if record.value is None:
            return
        try:
            if record.key and is_claim(record.key):
                claim = decode_claim(record.key, record.value, record.headers)
                self.owner = claim.writer
                self.journal.claimed(claim, record.timestamp)
                return
            entry = decode(record.value, record.headers)
            line = Line(record.offset, record.timestamp, decode_key(record.key or b""), entry)
        except ValueError:
            raise unreadable(record) from None
        if line.key.event == NOBODYS:
            return
        if self.only in (None, line.key.event) and (self.among is None or line.key.event in self.among):
            self._apply(line)

    def _apply(self, line: Line) -> None:
        event, offset = line.key.event, line.key.offset
        self.journal.apply(line.key, line.entry, line.time)
        if self.only:
            self.lines.append(line)
        if self.journal.known(event).records[offset].in_doubt():
            self.since.setdefault((event, offset), line.time)
        else:
            self.since.pop((event, offset), None)

    def event(self, event: UUID) -> Json:
        """All that is known of the event, and what that means for another record of it."""
        known = self.journal.known(event)
        return {
            "event": str(event),
            "topic": self.topic,
            "partition": self.number,
            "customer": self._customer(event),
            "seen": moment(known.seen),
            "records": [_record(offset, record) for offset, record in sorted(known.records.items())],
            **({"entries": [line.as_dict() for line in self.lines]} if self.only else {}),
        }

    def _customer(self, event: UUID) -> str:
        match self.journal.recall(event, NO_RECORD):
            case CreatedBefore(outcome):
                return "confirmed" if outcome.resolution == "confirmed" else "created"
            case InDoubt():
                return "unknown"
            case _:
                return "not_created"

    def doubts(self, now: int) -> Iterator[Json]:
        """Records whose customer may or may not exist, unless another record of their event has told since."""
        for (event, offset), since in self.since.items():
            if isinstance(self.journal.recall(event, NO_RECORD), InDoubt):
                record = self.journal.known(event).records[offset]
                place = {"event": str(event), "topic": self.topic, "partition": self.number, "offset": offset}
                told = {
                    "since": moment(since),
                    "ageSeconds": max(0, now - since) // 1000,
                    "attempts": _attempts(record),
                }
                yield place | told | {"writers": sorted(record.open), "why": self._why(record)}

    def _why(self, record: KnownRecord) -> str:
        if record.outcome:
            return f"parked as outcome_unknown{_known(record)}"
        perhaps = ", who owns the partition: it may be in flight" if self.owner in record.open else ""
        return f"open intent of {', '.join(sorted(record.open))}{perhaps}{_known(record)}"


def unreadable(record: Record) -> JournalUnreadable:
    """The error for a record that is no entry of the journal."""
    place = f"{record.topic}/{record.partition} at offset {record.offset}"
    return JournalUnreadable(f"{place}: not an entry of this journal")


def _known(record: KnownRecord) -> str:
    return f"; {EXISTS}" if record.evidence.exists else ""


def _record(offset: int, record: KnownRecord) -> Json:
    told: Json = {"offset": offset, "openIntents": sorted(record.open), "attempts": _attempts(record)}
    told["outcome"] = record.outcome
    if record.evidence.exists:
        told["exists"] = True
    if record.created not in (record.outcome, None):
        told["createdBesides"] = record.created
    return told


def _attempts(record: KnownRecord) -> int:
    return record.outcome.attempts if record.outcome else record.attempts


def moment(milliseconds: int) -> str:
    """The time in ISO 8601, UTC; one that no calendar has, which a producer may make up, becomes the nearest one."""
    at = datetime.fromtimestamp(min(max(EARLIEST, milliseconds), LATEST) / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_text(told: Json) -> str:
    """The event as text: a line for it, for each record, and for each entry if there are any."""
    head = f"{told['event']}  customer {told['customer'].replace('_', ' ')}  seen {told['seen']}"
    records = [
        f"  {told['topic']}/{told['partition']} offset {each['offset']}: {_state(each)}" for each in told["records"]
    ]
    entries = [
        f"    {each['time']}  {each['state']:8}  by {each['writer']}  offset {each['offset']}"
        for each in told.get("entries", [])
    ]
    return "\n".join([head, *records, *entries])


def _state(record: Json) -> str:
    parts = [f"open intent of {writer}" for writer in record["openIntents"]]
    outcome: Outcome | None = record["outcome"]
    if record.get("exists"):
        parts.append(EXISTS)
    if isinstance(outcome, Succeeded):
        parts.append(f"{outcome.resolution}, customer {outcome.customer_id}")
    elif outcome:
        parts.append(f"failed, {outcome.reason.code.value}: {outcome.reason.message}")
    if other := record.get("createdBesides"):
        parts.append(f"yet customer {other.customer_id} was created")
    return "; ".join([*(parts or ["released"]), f"attempts: {record['attempts']}"])


def doubt_text(told: Json) -> str:
    """The doubt as one line of text."""
    age = timedelta(seconds=told["ageSeconds"])
    place = f"{told['topic']}/{told['partition']} offset {told['offset']}"
    return f"{told['event']}  {place}  age {age}  attempts {told['attempts']}  {told['why']}"
