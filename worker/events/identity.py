"""Which event a record is.

By the headers of a dead letter or replay, by its own attributes, or by its place in Kafka.
"""

from collections.abc import Mapping
from typing import Final

from worker.customer.documents import Json
from worker.events.header_dialects import Told
from worker.events.letter_headers import EVENT_ID, EVENT_SOURCE, HEADERS, REASON, REPLAY_OF, REPLAY_REASON, UNREADABLE
from worker.events.trace_context import trace_context
from worker.model.commands import MAX_NAME, Request
from worker.model.outcomes import ReasonCode
from worker.model.records import Record

Identity = tuple[str, str]
"""An event's source and id."""

BY_PLACE: Final = "urn:kafka:"
_UNREADABLE: Final = UNREADABLE.decode()
_UNREAD: Final = (ReasonCode.UNDECODABLE.value, ReasonCode.UNSUPPORTED_EVENT.value)


def request_of(record: Record, headers: Mapping[str, str], attributes: Mapping[str, Json] | None = None) -> Request:
    """Who asks; `attributes` are a CloudEvent's. A source or id that is too long counts as none."""
    said = attributes or {}
    source, name = _known(headers, said) or (f"{BY_PLACE}{record.topic}", f"{record.partition}-{record.offset}")
    return Request(source, name, _name(said.get("subject")), *trace_context(said, headers))


def unreadable(record: Record, headers: Told) -> str | None:
    """Why nobody can tell what the record asks for: its headers could not be read, now or when it failed. Else None."""
    if record.unreadable is None and headers.texts.get(HEADERS) == _UNREADABLE and REASON in headers.texts:
        return "its headers could not be read when it first came, so that nobody knows what it asked for"
    return record.unreadable


def _known(headers: Mapping[str, str], attributes: Mapping[str, Json]) -> Identity | None:
    """The event's identity, if the record says it.

    A dead letter that comes back, by whatever tool, is the event that its headers name, with all that is known of that.
    Its own attributes count only where they could not be read when it failed, since nothing was sent for it then.
    """
    own = _identity(attributes, "source", "id")
    if REASON not in headers and REPLAY_OF not in headers:
        return own
    named = _identity(headers, EVENT_SOURCE, EVENT_ID)
    if named and own and named[0].startswith(BY_PLACE) and _was_unread(headers):
        return own
    return named or own


def _was_unread(headers: Mapping[str, str]) -> bool:
    return headers.get(REASON, headers.get(REPLAY_REASON)) in _UNREAD


def _identity(given: Mapping[str, Json], source: str, name: str) -> Identity | None:
    who, which = _name(given.get(source)), _name(given.get(name))
    return (who, which) if who and which else None


def _name(given: Json) -> str | None:
    return given if isinstance(given, str) and 0 < len(given) <= MAX_NAME else None
