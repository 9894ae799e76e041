"""The headers of a dead letter: our own (text), Spring Kafka's (binary numbers) and Kafka Connect's (text)."""

import struct
from datetime import UTC, datetime
from itertools import takewhile

import orjson

from worker import __version__, clocks
from worker.model.commands import Request
from worker.model.evidence import Evidence
from worker.model.outcomes import EXISTS, Failed, Reason, ReasonCode, Violation
from worker.model.records import Headers, Record

# The first header that a dead letter of ours adds: everything before it is the original record's.
REASON = "worker-reason"
# The first header that a replay adds: `<partition>@<offset>` of the failed record, in this same topic.
REPLAY_OF = "worker-replay-of"
# Why the replayed record had failed.
REPLAY_REASON = "worker-replay-reason"
# Which run of the console replayed the record, and who had asked for that.
REPLAY_RUN, REPLAY_BY = "worker-replay-run", "worker-replay-by"
FIRST_OF_OURS = frozenset({REASON, REPLAY_OF})
# The header of a confirmation: `<partition>@<offset>` of the record, in this same topic, whose doubt it ends.
RESOLVES = "worker-resolves"
REPLAYS = "worker-replays"
ACCEPT_DUPLICATES, YES = "worker-accept-duplicates", b"true"
EVENT_SOURCE, EVENT_ID = "worker-event-source", "worker-event-id"
PAYLOAD, OMITTED = "worker-payload", b"omitted"
# With the value, the key and the original headers are left out, too: the dead letter names only the record's place.
ORIGINAL = "worker-original"
VALUE, NULL = "worker-value", b"null"
# The record's own headers could not be read, so that not all of them are here: what it asked for is not known.
HEADERS, UNREADABLE = "worker-headers", b"unreadable"
HTTP_STATUS, ERROR_CODE, ATTEMPTS = "worker-http-status", "worker-error-code", "worker-attempts"
FIRST_SEEN, FAILED_AT, VERSION = "worker-first-seen", "worker-failed-at", "worker-version"
VIOLATIONS = "worker-violations"
# The API said that it made the event's customer, but not under which id. All that follows such a doubt says so, too:
# its replays and their dead letters, whatever reason they fail for. What follows any other doubt that was replayed with
# --accept-duplicates says `perhaps`: a refusal of the replay tells nothing of the POST before it.
CUSTOMER_EXISTS, TRUE, PERHAPS = "worker-customer-exists", b"true", b"perhaps"

SPRING, CONNECT = "kafka_dlt-", "__connect.errors."
# Spring's and Connect's tools show this as the exception's class, and some need it: our class for a failure.
KIND = b"worker.outcomes.Failed"


def original(headers: Headers) -> Headers:
    """The headers that the producer gave the record, byte for byte: dead letters and replays add theirs behind them."""
    return tuple(takewhile(_is_the_producers, headers))


def _is_the_producers(header: tuple[str, bytes | None]) -> bool:
    return header[0] not in FIRST_OF_OURS


def replays(headers: Headers) -> int:
    """How often the record was replayed; 0 where the header cannot be read."""
    told = last(headers[len(original(headers)) :], REPLAYS)
    return int(told) if told and told.isdigit() and len(told) < 10 else 0


def came_back(headers: Headers) -> bool:
    """Whether the record is a dead letter of ours that was published again, or a replay.

    No other record's headers say what became of it before.
    """
    return any(name in FIRST_OF_OURS for name, _ in headers)


def accepts_duplicates(headers: Headers) -> bool:
    """Whether the record is a replay for which a person accepted a duplicate.

    The header alone, without one, says nothing.
    """
    marks = headers[len(original(headers)) :]
    return last(marks, REPLAY_OF) is not None and last(marks, REASON) is None and last(marks, ACCEPT_DUPLICATES) == YES


def doubt(headers: Headers) -> Evidence | None:
    """The evidence that the record brings of its event's customer; None where it brings none.

    It brings some as the dead letter of a doubt, and as a replay that says that the customer exists, or may exist.
    """
    if not headers:
        return None
    told = customer_exists(headers)
    if told is None and last(headers, REASON) != ReasonCode.OUTCOME_UNKNOWN.value.encode():
        return None
    return Evidence(exists=told == TRUE)


def customer_exists(headers: Headers) -> bytes | None:
    """What a dead letter or replay says of that, `TRUE` or `PERHAPS`; None where it says nothing.

    A producer's own header of that name is ignored.
    """
    told = last(headers[len(original(headers)) :], CUSTOMER_EXISTS)
    return told if told in {TRUE, PERHAPS} else None


def last(headers: Headers, name: str) -> bytes | None:
    """The value of the last header of that name, which is how other tools read headers, too; None without one."""
    return next((value for each, value in reversed(headers) if each == name), None)


def added(outcome: Failed, record: Record, request: Request, first_seen: float, group: str) -> Headers:
    """The headers to add behind the original ones; none holds a value of the customer.

    `first_seen` is seconds since the epoch. All of them together take less than `ENVELOPE` bytes.
    """
    own = _own(outcome, record, request, first_seen)
    return (*own, *_spring(outcome, record, group), *_connect(outcome, record), *_trace(record, request))


def _own(outcome: Failed, record: Record, request: Request, first_seen: float) -> Headers:
    reason = outcome.reason
    told = {
        REASON: reason.code.value,
        EVENT_SOURCE: request.source,
        EVENT_ID: request.id,
        HTTP_STATUS: str(reason.http.status) if reason.http else None,
        ERROR_CODE: reason.http.error_code if reason.http else None,
        ATTEMPTS: str(outcome.attempts),
        REPLAYS: str(replays(record.headers)),
        FIRST_SEEN: timestamp(datetime.fromtimestamp(first_seen, UTC)),
        FAILED_AT: timestamp(clocks.moment()),
        VERSION: __version__,
        VIOLATIONS: orjson.dumps(violations(reason.violations)).decode() if reason.violations else None,
        CUSTOMER_EXISTS: _still_exists(reason, record.headers),
        HEADERS: UNREADABLE.decode() if record.unreadable is not None else None,
    }
    return tuple((name, value.encode()) for name, value in told.items() if value is not None)


def _still_exists(reason: Reason, headers: Headers) -> str | None:
    """The value of `CUSTOMER_EXISTS`; None where there is no doubt, or a look-up has ended it."""
    told = customer_exists(headers)
    if told == TRUE or (reason.code is ReasonCode.OUTCOME_UNKNOWN and reason.message.startswith(EXISTS)):
        return TRUE.decode()
    return PERHAPS.decode() if told and accepts_duplicates(headers) else None


def _trace(record: Record, request: Request) -> Headers:
    """The headers of the trace that the request is a part of, unless the original headers say so already."""
    told = {"traceparent": request.traceparent, "tracestate": request.tracestate}
    known = original(record.headers)
    return tuple(
        (name, value.encode()) for name, value in told.items() if value and last(known, name) != value.encode()
    )


def _spring(outcome: Failed, record: Record, group: str) -> Headers:
    """As DeadLetterPublishingRecoverer writes them: a 4 byte int and 8 byte longs, big-endian; UTF-8 otherwise."""
    told = {
        "original-topic": record.topic.encode(),
        "original-partition": struct.pack(">i", record.partition),
        "original-offset": struct.pack(">q", record.offset),
        "original-timestamp": struct.pack(">q", record.timestamp),
        "original-consumer-group": group.encode(),
        "exception-fqcn": KIND,
        "exception-message": _message(outcome),
    }
    return tuple((SPRING + name, value) for name, value in told.items())


def _connect(outcome: Failed, record: Record) -> Headers:
    """As DeadLetterQueueReporter writes them: UTF-8, numbers too. There is no connector, task or stage to be named."""
    told = {
        "topic": record.topic.encode(),
        "partition": str(record.partition).encode(),
        "offset": str(record.offset).encode(),
        "exception.class.name": KIND,
        "exception.message": _message(outcome),
    }
    return tuple((CONNECT + name, value) for name, value in told.items())


def _message(outcome: Failed) -> bytes:
    return f"{outcome.reason.code.value}: {outcome.reason.message}".encode()


def violations(found: tuple[Violation, ...]) -> list[dict[str, object]]:
    """Violations in the form in which the failed event, the dead letter and `validate` have them."""
    return [
        {"path": each.path, "rule": each.rule}
        | ({"limit": each.limit} if each.limit is not None else {})
        | ({"allowed": each.allowed} if each.allowed is not None else {})
        for each in found
    ]


def timestamp(moment: datetime) -> str:
    """The moment in ISO 8601, UTC, with milliseconds."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
