"""A dead letter, read from its record's headers; whatever the headers hold, the letter is listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

import orjson

from worker.events import letter_headers as names
from worker.events.letter_headers import CONNECT, SPRING, original
from worker.events.results_read import MOST_OFFSETS, MOST_PARTITIONS
from worker.model.outcomes import ReasonCode
from worker.model.records import Record
from worker.tools.journal.view import moment
from worker.tools.reading.place import Place

Json = dict[str, Any]
FOREIGN = "foreign"
INT, LONG = Struct(">i"), Struct(">q")
CODES: dict[str | None, ReasonCode] = {code.value: code for code in ReasonCode}
FORMS: Final[Mapping[str, type]] = {"path": str, "rule": str, "limit": int}
KINDS = (*(code.value for code in ReasonCode), FOREIGN)


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. What its headers do not tell is None; `reason` is None where the record is not ours.

    `exists`: the API said that it made the event's customer, but not under which id. `perhaps`: the event was in doubt
    when this record was sent with --accept-duplicates. `original_omitted`: key and headers were left out with the
    value. `unreadable`: the original headers could not be read. `tool` is who wrote a foreign letter, as far as its
    headers show it, and `kind` the class of error that it names. `resolved` is the record by which a person ended the
    doubt; no header says that, but the request topic does.
    """

    place: Place
    timestamp: int
    reason: ReasonCode | None
    topic: str | None = None
    request: Place | None = None
    requested: int | None = None
    event_source: str | None = None
    event_id: str | None = None
    message: str | None = None
    status: int | None = None
    error_code: str | None = None
    attempts: int | None = None
    replays: int = 0
    first_seen: str | None = None
    failed_at: str | None = None
    version: str | None = None
    violations: tuple[Json, ...] = ()
    exists: bool = False
    perhaps: bool = False
    omitted: bool = False
    original_omitted: bool = False
    unreadable: bool = False
    null: bool = False
    tool: str | None = None
    kind: str | None = None
    resolved: Place | None = None

    @property
    def called(self) -> str:
        """The code of the reason, or `foreign`."""
        return self.reason.value if self.reason else FOREIGN

    @property
    def is_doubt(self) -> bool:
        """Whether the customer may exist, or does."""
        return self.reason is ReasonCode.OUTCOME_UNKNOWN or self.exists or self.perhaps

    @property
    def doubted(self) -> bool:
        """Whether the customer may exist, although the reason does not say so."""
        return self.is_doubt and self.reason is not ReasonCode.OUTCOME_UNKNOWN

    def as_dict(self) -> Json:
        """The letter for people and tools, without anything of the customer; a foreign letter's message is left out."""
        told: Json = {
            "partition": self.place.partition,
            "offset": self.place.offset,
            "time": moment(self.timestamp),
            "reason": self.called,
            "message": self.message if self.reason else None,
            "status": self.status,
            "errorCode": self.error_code,
            "attempts": self.attempts,
            "replays": self.replays,
            "eventSource": self.event_source,
            "eventId": self.event_id,
            "request": self._request(),
            "firstSeen": self.first_seen,
            "failedAt": self.failed_at,
            "version": self.version,
            "payload": "omitted" if self.omitted else "full",
            "customerExists": self.exists or None,
            "customerMayExist": self.perhaps or None,
            "violations": list(self.violations),
            "tool": self.tool,
            "kind": self.kind,
            "resolvedAs": str(self.resolved) if self.resolved else None,
        }
        return {name: value for name, value in told.items() if value not in (None, [])}

    def _request(self) -> Json | None:
        place = self.request
        return {"topic": self.topic, "partition": place.partition, "offset": place.offset} if place else None


def bare(which: Letter) -> Letter:
    """The letter with its place, time and reason, and its record's place: a third of the memory."""
    return Letter(which.place, which.timestamp, which.reason, which.topic, which.request)


def letter(record: Record) -> Letter:
    """The dead letter of a record. Never raises: a header that cannot be read counts as missing."""
    place = Place(record.partition, record.offset)
    # Of several headers of one name the last counts, as in other tools.
    told = dict(record.headers[len(original(record.headers)) :])
    code = _text(told.get(names.REASON))
    if code not in CODES:
        return _foreign(record, place)
    topic, request, requested = _spring_place(told)
    return Letter(
        place,
        record.timestamp,
        CODES[code],
        topic,
        request,
        requested,
        event_source=_text(told.get(names.EVENT_SOURCE)),
        event_id=_text(told.get(names.EVENT_ID)),
        message=(_text(told.get(f"{SPRING}exception-message")) or "").removeprefix(f"{code}: "),
        status=_count(told.get(names.HTTP_STATUS)),
        error_code=_text(told.get(names.ERROR_CODE)),
        attempts=_count(told.get(names.ATTEMPTS)),
        replays=_count(told.get(names.REPLAYS)) or 0,
        first_seen=_text(told.get(names.FIRST_SEEN)),
        failed_at=_text(told.get(names.FAILED_AT)),
        version=_text(told.get(names.VERSION)),
        violations=_violations(told.get(names.VIOLATIONS)),
        exists=told.get(names.CUSTOMER_EXISTS) == names.TRUE,
        perhaps=told.get(names.CUSTOMER_EXISTS) == names.PERHAPS,
        omitted=told.get(names.PAYLOAD) == names.OMITTED,
        original_omitted=told.get(names.ORIGINAL) == names.OMITTED,
        unreadable=told.get(names.HEADERS) == names.UNREADABLE,
        null=told.get(names.VALUE) == names.NULL,
    )


def _foreign(record: Record, place: Place) -> Letter:
    """A letter from the headers of another tool: Spring's, else Connect's."""
    told = dict(record.headers)
    topic, request, _ = _spring_place(told)
    if topic is not None:
        kind = _text(told.get(f"{SPRING}exception-fqcn"))
        return Letter(place, record.timestamp, None, topic, request, tool="Spring Kafka", kind=kind)
    topic = _text(told.get(f"{CONNECT}topic"))
    if topic is None:
        return Letter(place, record.timestamp, None)
    request = _place(_count(told.get(f"{CONNECT}partition")), _count(told.get(f"{CONNECT}offset")))
    kind = _text(told.get(f"{CONNECT}exception.class.name"))
    return Letter(place, record.timestamp, None, topic, request, tool="Kafka Connect", kind=kind)


def _spring_place(told: Mapping[str, bytes | None]) -> tuple[str | None, Place | None, int | None]:
    """Topic, place and timestamp of the record that failed, from Spring's headers."""
    partition = _unpacked(INT, told.get(f"{SPRING}original-partition"))
    offset = _unpacked(LONG, told.get(f"{SPRING}original-offset"))
    timestamp = _unpacked(LONG, told.get(f"{SPRING}original-timestamp"))
    return _text(told.get(f"{SPRING}original-topic")), _place(partition, offset), timestamp


def _place(partition: int | None, offset: int | None) -> Place | None:
    if partition is None or offset is None:
        return None
    there = 0 <= partition < MOST_PARTITIONS and 0 <= offset < MOST_OFFSETS
    return Place(partition, offset) if there else None


def _unpacked(form: Struct, value: bytes | None) -> int | None:
    return int(form.unpack(value)[0]) if value is not None and len(value) == form.size else None


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def _count(value: bytes | None) -> int | None:
    return int(value) if value and value.isdigit() and len(value) < 19 else None


def _violations(value: bytes | None) -> tuple[Json, ...]:
    if not value:
        return ()
    try:
        told = orjson.loads(value)
    except orjson.JSONDecodeError:
        return ()
    if not isinstance(told, list):
        return ()
    return tuple(kept for each in told if isinstance(each, dict) and (kept := _violation(each)))


def _violation(told: Json) -> Json:
    """The violation in our form; whatever else somebody may have written there is left out."""
    kept = {name: value for name, form in FORMS.items() if isinstance(value := told.get(name), form)}
    if isinstance(allowed := told.get("allowed"), list):
        kept["allowed"] = [each for each in allowed if isinstance(each, str)]
    return kept
