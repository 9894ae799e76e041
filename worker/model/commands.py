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
"""Characters of a source, an id or a subject at most: results and dead letters quote them, and have to fit."""

Kind = Literal["individual", "group"]
"""The two types of customers that the API's pages describe."""


@frozen()
class Request:
    """Who asks: (source, id) is a CloudEvent's identity, or made of a bare value's place in Kafka.

    Neither is longer than `MAX_NAME` characters.
    """

    source: str
    id: str
    subject: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    _event: UUID | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def event(self) -> UUID:
        """The identity as a UUID, the journal's key (docs: design, the journal)."""
        if self._event is None:
            # Kept by hand: cached_property takes a lock before Python 3.12.
            object.__setattr__(self, "_event", self._identity())
        return cast("UUID", self._event)

    def _identity(self) -> UUID:
        # The same as uuid5, which takes 14 µs.
        digest = sha1(URL_NAMESPACE + orjson.dumps([self.source, self.id]), usedforsecurity=False).digest()
        return UUID(bytes=digest[:16], version=5)

    @property
    def trace_id(self) -> str | None:
        """The W3C trace id; None where the event came without one."""
        return trace_id_of(self.traceparent)


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id of a traceparent, which is the second of its four parts; None without one."""
    return traceparent.split("-")[1] if traceparent else None


@frozen(repr=False)
class Traits:
    """What is needed of a customer once its body is written; the whole takes twenty times its size in memory."""

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
    """A person found out that the event's customer exists; nothing in this command could be sent to the API."""

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
    """The mapping's rule says that the record is no event for us; `rule` is its words. Nobody is told of it."""

    request: Request
    rule: str


Command = CreateCustomer | ConfirmCustomer | Unusable | PassOver
"""All that a record may ask for, or not."""
