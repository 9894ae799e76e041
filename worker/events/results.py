"""Makes what is announced of an outcome: result events (structured CloudEvents) and dead letters.

(docs: events, results)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha1, sha256
from typing import Any

import orjson

from worker import clocks
from worker.events import letter_headers
from worker.events.letter_headers import timestamp, violations
from worker.model.commands import URL_NAMESPACE, Request
from worker.model.outcomes import Failed, Reason, Succeeded
from worker.model.records import Headers, OutgoingMessage, Position, Record

SUCCEEDED = "customer.create.succeeded.v1"
FAILED = "customer.create.failed.v1"
CONTENT_TYPE = b"application/cloudevents+json"
PASSED_ON = ("subject", "traceparent", "tracestate")


@dataclass(frozen=True, slots=True)
class Results:
    """Makes result events and dead letters: for which topics, and with whose names."""

    source: str
    succeeded_topic: str
    failed_topic: str
    dead_letter_topic: str
    consumer_group: str
    with_payload: bool = True

    def succeeded(self, outcome: Succeeded, record: Record, request: Request) -> OutgoingMessage:
        """The succeeded event, `customer.create.succeeded.v1`."""
        data = {
            "request": _request(record, request),
            "customerId": outcome.customer_id,
            "location": outcome.location,
            "customerType": outcome.customer_type,
            "resolution": outcome.resolution,
            "attempts": outcome.attempts,
        }
        return self._event(self.succeeded_topic, SUCCEEDED, data, record, request)

    def failed(self, outcome: Failed, record: Record, request: Request, dead_letter: Position) -> OutgoingMessage:
        """The failed event, `customer.create.failed.v1`."""
        data = {
            "request": _request(record, request),
            "attempts": outcome.attempts,
            "reason": _reason(outcome.reason),
            "deadLetter": dead_letter,
        }
        return self._event(self.failed_topic, FAILED, data, record, request)

    def _event(self, topic: str, type_: str, data: dict[str, Any], record: Record, request: Request) -> OutgoingMessage:
        event = {
            "specversion": "1.0",
            "id": event_id(request, record, type_),
            "source": self.source,
            "type": type_,
            "time": timestamp(clocks.moment()),
            "datacontenttype": "application/json",
            "data": data,
        }
        for name in PASSED_ON:
            if value := getattr(request, name):
                event[name] = value
        headers: Headers = (("content-type", CONTENT_TYPE), *_trace(request))
        return OutgoingMessage(topic, record.key, orjson.dumps(event), headers)

    def dead_letters(
        self, outcome: Failed, record: Record, request: Request, first_seen: float
    ) -> Iterator[OutgoingMessage]:
        """The forms of a dead letter, to be tried in this order: whole; without its value; only the record's place.

        The last one always fits. The whole one comes a second time compressed, as its producer may have sent it: a
        topic's limit applies to compressed bytes. `first_seen` is seconds since the epoch.
        """
        yield (whole := self.dead_letter(outcome, record, request, first_seen))
        if self.with_payload:
            yield replace(whole, compressed=True)
            yield self.without_payload().dead_letter(outcome, record, request, first_seen)
        yield self._place(outcome, record, request, first_seen)

    def dead_letter(self, outcome: Failed, record: Record, request: Request, first_seen: float) -> OutgoingMessage:
        """The original record, byte for byte, and the reason in headers; `first_seen` is seconds since the epoch."""
        headers = (*letter_headers.original(record.headers), *self._added(outcome, record, request, first_seen))
        value = record.value if self.with_payload else None
        if not self.with_payload:
            headers += ((letter_headers.PAYLOAD, letter_headers.OMITTED),)
        if record.key is None and value is None:
            # The producer takes no message that has neither key nor value.
            value, headers = b"", (*headers, (letter_headers.VALUE, letter_headers.NULL))
        return self._letter(record, record.key, value, headers)

    def _place(self, outcome: Failed, record: Record, request: Request, first_seen: float) -> OutgoingMessage:
        left_out = ((name, letter_headers.OMITTED) for name in (letter_headers.PAYLOAD, letter_headers.ORIGINAL))
        headers = (*self._added(outcome, record, request, first_seen), *left_out)
        return self._letter(record, None, b"", headers)

    def _added(self, outcome: Failed, record: Record, request: Request, first_seen: float) -> Headers:
        return letter_headers.added(outcome, record, request, first_seen, self.consumer_group)

    def _letter(self, record: Record, key: bytes | None, value: bytes | None, headers: Headers) -> OutgoingMessage:
        # The requests may get more partitions at any time: a new one's record must not wait until the letters have it,
        # too.
        return OutgoingMessage(self.dead_letter_topic, key, value, headers, record.partition, elsewhere=True)

    def without_payload(self) -> "Results":
        """The same, but dead letters leave the value out, and say so."""
        return replace(self, with_payload=False)


def forms(event: OutgoingMessage) -> Iterator[OutgoingMessage]:
    """The forms of a result event, to be tried in this order: with the request's key; with the SHA-256 of that key.

    The second always fits: all else in an event is bounded, see `Request` and `Reason`.
    """
    yield event
    if event.key is not None:
        yield replace(event, key=sha256(event.key).hexdigest().encode())


def event_id(request: Request, record: Record, type_: str) -> str:
    """The event's id, the same at each publication of one record's terminal event: a consumer can drop a repeat."""
    return terminal_id((request.source, request.id), (record.topic, record.partition, record.offset), type_)


def terminal_id(event: tuple[str, str], place: tuple[str, int, int], type_: str) -> str:
    """The rule for that id (docs: events, results), from (source, id) and (topic, partition, offset).

    It is `str(uuid5(NAMESPACE_URL, ...))`, written out for speed: `verify` makes one for each event that it reads.
    """
    name = orjson.dumps([*event, *place, type_])
    digest = bytearray(sha1(URL_NAMESPACE + name, usedforsecurity=False).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _request(record: Record, request: Request) -> dict[str, Any]:
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return {"id": request.id, "source": request.source, **place}


def _reason(reason: Reason) -> dict[str, Any]:
    told: dict[str, Any] = {"code": reason.code.value, "message": reason.message}
    if reason.violations:
        told["violations"] = violations(reason.violations)
    if reason.http:
        told["http"] = {"status": reason.http.status, "errorCode": reason.http.error_code}
        told["http"] = {name: value for name, value in told["http"].items() if value is not None}
    return told


def _trace(request: Request) -> Headers:
    if not request.traceparent and not request.tracestate:
        return ()
    given = {"traceparent": request.traceparent, "tracestate": request.tracestate}
    return tuple((name, value.encode()) for name, value in given.items() if value)
