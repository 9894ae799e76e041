"""What a request event asks for, in the terms of this worker."""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final, Literal, cast
from uuid import NAMESPACE_URL, UUID

import orjson

from worker.model.frozen import frozen
from worker.model.outcomes import Reason

URL_NAMESPACE: Final = NAMESPACE_URL.bytes
MAX_NAME: Final = 1024
"""Characters of a source, an id or a subject: what is told of an event quotes them, and has to fit."""

Kind = Literal["individual", "group"]
"""The two types of a customer that the API's pages describe."""


@frozen()
class Request:
    """Who asks: a CloudEvent's identity is (source, id); a bare value's is derived from its place in Kafka.

    Neither is longer than `MAX_NAME`.
    """

    source: str
    id: str
    subject: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    _event: UUID | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def event(self) -> UUID:
        """The identity as the journal's key (docs: design, the journal)."""
        if self._event is None:
            # As cached_property does, which takes a lock before Python 3.12.
            object.__setattr__(self, "_event", self._identity())
        return cast("UUID", self._event)

    def _identity(self) -> UUID:
        # As uuid5 does, which takes 14 µs.
        digest = sha1(URL_NAMESPACE + orjson.dumps([self.source, self.id]), usedforsecurity=False).digest()
        return UUID(bytes=digest[:16], version=5)

    @property
    def trace_id(self) -> str | None:
        """The W3C trace id, where the event came with one."""
        return trace_id_of(self.traceparent)


def trace_id_of(traceparent: str | None) -> str | None:
    """The second of a traceparent's four parts."""
    return traceparent.split("-")[1] if traceparent else None


@frozen(repr=False)
class Traits:
    """What is still asked of a customer once its body is written; the whole takes twenty times its size in memory."""

    customer_type: Kind
    first_email: str | None = None


@frozen()
class CreateCustomer:
    """A valid customer to be created; `body` is the API's exact form in the configured format."""

    request: Request
    customer: Traits
    body: bytes


@dataclass(frozen=True, slots=True)
class ConfirmCustomer:
    """A person found out that the event's customer exists; there is nothing in it that could be sent."""

    request: Request
    customer_id: str
    customer_type: Kind


@dataclass(frozen=True, slots=True)
class Unusable:
    """A record that asks for nothing this worker can do."""

    request: Request
    reason: Reason


@dataclass(frozen=True, slots=True)
class PassOver:
    """A record that is no event for us, as `rule`, the mapping's own words, says: nobody is told of it."""

    request: Request
    rule: str


Command = CreateCustomer | ConfirmCustomer | Unusable | PassOver
"""All that a record may ask for."""
