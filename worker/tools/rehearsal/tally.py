"""Counts what the worker would make of each record; keeps nothing of a customer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, assert_never

from worker.customer.documents import Json, glimpsed
from worker.events.cloud_events import REQUESTED
from worker.events.header_dialects import told
from worker.events.identity import BY_PLACE
from worker.kafka.stretch import Piece
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, PassOver, Unusable
from worker.model.outcomes import Reason
from worker.model.records import Record
from worker.tools.reading.event_file import STRUCTURED
from worker.tools.reading.place import Place
from worker.tools.rehearsal.counts import Counts, End, Ends, Fault
from worker.tools.rehearsal.keys import Keys
from worker.tools.rehearsal.repeats import Repeats
from worker.tools.rehearsal.sizes import Sizes

NO_TYPE: Final = "(no CloudEvent)"
NO_SOURCE: Final = "(none)"
WHOLE: Final = "(the whole event)"
DAY: Final = 86_400_000
INDEX: Final = re.compile(r"\[\d+\]")
# A number that differs between records of one cause; those in names and versions belong to the cause.
NUMBER: Final = re.compile(r"(?<![\w.'-])\d+(?![\w.])")
OF_MAPPING: Final = "mapping"
SIGN: Final = b'"specversion"'


@dataclass(slots=True)
class Transactions:
    """Transactions that ended in the stretch; `taken_back` are records of aborted ones, which create nothing."""

    committed: int = 0
    aborted: int = 0
    taken_back: int = 0


@dataclass(slots=True)
class Unreadable:
    """Batches that nobody can read, the first with its place; the worker would hold the partition there."""

    batches: int = 0
    first: str = ""


@dataclass(slots=True)
class Tally:
    """All counts of a rehearsal; `starts` is where a first start would begin. `mapped`: a mapping makes events ours.

    `begun` are the records that a first start would take, `nameless` those to be created without an identity of their
    own.
    """

    keys: Keys
    repeats: Repeats
    starts: Mapping[int, int]
    mapped: bool = False
    ends: Ends = field(default_factory=Ends)
    rules: Counts[tuple[str, str], Fault] = field(default_factory=lambda: Counts(Fault))
    causes: Counts[tuple[str, str], Fault] = field(default_factory=lambda: Counts(Fault))
    passes: Counts[str, Fault] = field(default_factory=lambda: Counts(Fault))
    types: Counts[str, Ends] = field(default_factory=lambda: Counts(Ends))
    sources: Counts[str, Ends] = field(default_factory=lambda: Counts(Ends))
    days: Counts[int, Ends] = field(default_factory=lambda: Counts(Ends))
    sizes: Sizes = field(default_factory=Sizes)
    transactions: Transactions = field(default_factory=Transactions)
    unreadable: Unreadable = field(default_factory=Unreadable)
    begun: int = 0
    nameless: int = 0
    read: dict[int, int] = field(default_factory=dict)
    first_time: int | None = None
    last_time: int | None = None

    def between(self, piece: Piece) -> None:
        """Count what a piece of the log holds besides records."""
        self.transactions.taken_back += piece.taken_back
        self.transactions.committed += piece.end == "committed"
        self.transactions.aborted += piece.end == "aborted"
        if piece.unreadable is not None:
            self.unreadable.batches += 1
            self.unreadable.first = self.unreadable.first or f"{piece.partition}@{piece.first}: {piece.unreadable}"

    def record(self, record: Record, command: Command) -> None:
        """Count a record; `command` is what the worker decodes it to."""
        place = Place(record.partition, record.offset)
        source = NO_SOURCE if command.request.source.startswith(BY_PLACE) else command.request.source
        end = self._end(command, place, source, record.timestamp // 1000)
        self.ends.counts[end] += 1
        self.types.of(self._type(record, command)).counts[end] += 1
        self.sources.of(source).counts[end] += 1
        self.days.of(self._day(record.timestamp)).counts[end] += 1
        self.keys.note(record.key, place, sent=end == "create")
        self.sizes.note(len(record.value or b""), place)
        self.read[place.partition] = self.read.get(place.partition, 0) + 1
        self.begun += place.offset >= self.starts[place.partition]

    def _type(self, record: Record, command: Command) -> str:
        """The record's event type.

        What a customer was decoded from without a mapping, if it is a structured event, has our type: its bytes need
        not be read again.
        """
        is_ours = not self.mapped and record.headers == STRUCTURED and isinstance(command, CreateCustomer)
        return REQUESTED if is_ours else event_type(record)

    def _day(self, timestamp: int) -> int:
        """The day in days since the epoch; -1 where the record has no time."""
        if timestamp <= 0:
            return -1
        self.first_time = timestamp if self.first_time is None else min(self.first_time, timestamp)
        self.last_time = timestamp if self.last_time is None else max(self.last_time, timestamp)
        return timestamp // DAY

    def _end(self, command: Command, place: Place, source: str, seconds: int) -> End:
        match command:
            case CreateCustomer():
                return "repeats" if self._is_known(command, place, seconds) else "create"
            case ConfirmCustomer():
                return "confirm"
            case Unusable(reason=reason):
                self._failed(reason, place, source)
                return "fail"
            case PassOver(rule=rule):
                self.passes.of(rule).note(place, source)
                return "passed_over"
            case other:
                assert_never(other)

    def _is_known(self, command: CreateCustomer, place: Place, seconds: int) -> bool:
        request = command.request
        if request.source.startswith(BY_PLACE):
            self.nameless += 1
            return False
        return self.repeats.note((request.source, request.id), place, seconds) == "recognised"

    def _failed(self, reason: Reason, place: Place, source: str) -> None:
        """Count a failure; a rule counts once a record, however many items break it."""
        if not reason.violations:
            self.causes.of((reason.code.value, cause(reason.message))).note(place, source)
        for broken in {(INDEX.sub("[]", each.path) or WHOLE, each.rule) for each in reason.violations}:
            self.rules.of(broken).note(place, source)


def cause(message: str) -> str:
    """The message without the numbers in which records of one cause differ, such as a line and a column.

    A place in the mapping is kept: it belongs to the cause.
    """
    return message if message.startswith(OF_MAPPING) else NUMBER.sub("#", message)


def event_type(record: Record) -> str:
    """The event type as the producer says it, also one that the worker does not handle."""
    attributes: Json = told(record).attributes
    if attributes is None and SIGN in (record.value or b""):
        document = glimpsed(record.value or b"")
        attributes = document if isinstance(document, dict) and "specversion" in document else None
    named = attributes.get("type") if attributes else None
    return named if isinstance(named, str) and named else NO_TYPE
