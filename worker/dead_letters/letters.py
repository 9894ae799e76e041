"""A record of the dead-letter topic, as far as its headers tell; whatever they hold, it is listed."""

import struct
from dataclasses import dataclass
from typing import Any

import orjson

from worker import letter_headers as names
from worker.journal_view import moment
from worker.letter_headers import CONNECT, SPRING, last, original
from worker.outcomes import ReasonCode
from worker.records import Headers, Record

Json = dict[str, Any]
FOREIGN = "foreign"
KINDS = (*(code.value for code in ReasonCode), FOREIGN)


@dataclass(frozen=True, slots=True)
class Place:
    """A partition of some topic, and an offset in it."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class Letter:
    """`reason` is None where the record is none of ours; what a header does not tell is None too.

    `tool` is who wrote a foreign one, as far as its headers show; `kind` is the class of error that tool names.
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
    omitted: bool = False
    null: bool = False
    tool: str | None = None
    kind: str | None = None

    @property
    def called(self) -> str:
        """The reason's code, or that it is foreign."""
        return self.reason.value if self.reason else FOREIGN

    def json(self) -> Json:
        """Without anything of the customer; a foreign one's message is not ours to vouch for."""
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
            "violations": list(self.violations),
            "tool": self.tool,
            "kind": self.kind,
        }
        return {name: value for name, value in told.items() if value not in (None, [])}

    def _request(self) -> Json | None:
        place = self.request
        return {"topic": self.topic, "partition": place.partition, "offset": place.offset} if place else None


def letter(record: Record) -> Letter:
    """Never raises: a header that cannot be read tells nothing."""
    place = Place(record.partition, record.offset)
    added = record.headers[len(original(record.headers)) :]
    code = _text(last(added, names.REASON))
    if code is None or code not in set(ReasonCode):
        return _foreign(record, place)
    topic, request, requested = _spring_place(added)
    return Letter(
        place,
        record.timestamp,
        ReasonCode(code),
        topic,
        request,
        requested,
        event_source=_text(last(added, names.EVENT_SOURCE)),
        event_id=_text(last(added, names.EVENT_ID)),
        message=(_text(last(added, f"{SPRING}exception-message")) or "").removeprefix(f"{code}: "),
        status=_count(last(added, names.HTTP_STATUS)),
        error_code=_text(last(added, names.ERROR_CODE)),
        attempts=_count(last(added, names.ATTEMPTS)),
        replays=names.replays(record.headers),
        first_seen=_text(last(added, names.FIRST_SEEN)),
        failed_at=_text(last(added, names.FAILED_AT)),
        version=_text(last(added, names.VERSION)),
        violations=_violations(last(added, names.VIOLATIONS)),
        omitted=last(added, names.PAYLOAD) == names.OMITTED,
        null=last(added, names.VALUE) == names.NULL,
    )


def _foreign(record: Record, place: Place) -> Letter:
    """What another tool's headers say of it, Spring's before Connect's."""
    topic, request, _ = _spring_place(record.headers)
    if topic is not None:
        kind = _text(last(record.headers, f"{SPRING}exception-fqcn"))
        return Letter(place, record.timestamp, None, topic, request, tool="Spring Kafka", kind=kind)
    topic = _text(last(record.headers, f"{CONNECT}topic"))
    if topic is None:
        return Letter(place, record.timestamp, None)
    partition, offset = (_count(last(record.headers, CONNECT + name)) for name in ("partition", "offset"))
    kind = _text(last(record.headers, f"{CONNECT}exception.class.name"))
    return Letter(place, record.timestamp, None, topic, _place(partition, offset), tool="Kafka Connect", kind=kind)


def _spring_place(headers: Headers) -> tuple[str | None, Place | None, int | None]:
    """(topic, place, timestamp) of the record that failed."""
    partition = _unpacked(">i", last(headers, f"{SPRING}original-partition"))
    offset = _unpacked(">q", last(headers, f"{SPRING}original-offset"))
    timestamp = _unpacked(">q", last(headers, f"{SPRING}original-timestamp"))
    return _text(last(headers, f"{SPRING}original-topic")), _place(partition, offset), timestamp


def _place(partition: int | None, offset: int | None) -> Place | None:
    known = partition is not None and offset is not None and partition >= 0 and offset >= 0
    return Place(partition or 0, offset or 0) if known else None


def _unpacked(form: str, value: bytes | None) -> int | None:
    return int(struct.unpack(form, value)[0]) if value is not None and len(value) == struct.calcsize(form) else None


def _text(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


def _count(value: bytes | None) -> int | None:
    return int(value) if value and value.isdigit() and len(value) < 19 else None


def _violations(value: bytes | None) -> tuple[Json, ...]:
    try:
        told = orjson.loads(value or b"[]")
    except orjson.JSONDecodeError:
        return ()
    return tuple(each for each in told if isinstance(each, dict)) if isinstance(told, list) else ()
