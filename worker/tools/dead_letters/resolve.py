"""What follows from a person's word about a dead letter: the confirmation to be published, or why there is none.

Nothing here prints, and nothing is published but by `Exclusive`.
"""

from dataclasses import dataclass, replace

from worker import wiring
from worker.events.confirmation import encode_confirmation
from worker.events.letter_headers import RESOLVES
from worker.events.results import CONTENT_TYPE
from worker.journal.recall import CreatedBefore
from worker.kafka.places import places
from worker.kafka.reader import UNCOMMITTED
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, Kind, Request
from worker.model.errors import WorkerError
from worker.model.outcomes import Succeeded
from worker.model.records import OutgoingMessage, Record
from worker.settings.settings import Settings
from worker.tools.dead_letters.letters import Letter, letter
from worker.tools.dead_letters.received import received
from worker.tools.dead_letters.resolutions import Resolution, resolutions
from worker.tools.dead_letters.topic import Topics
from worker.tools.journal.show import partitions
from worker.tools.journal.view import NO_RECORD
from worker.tools.reading.place import Place


@dataclass(frozen=True, slots=True)
class Doubt:
    """A dead letter that a person may end; `kind` is None where its payload does not tell the customer's type."""

    letter: Letter
    at: Place
    """The place of the record in doubt, in the request topic."""
    key: bytes | None
    request: Request
    kind: Kind | None

    def confirmed(self, customer_id: str, kind: Kind | None) -> ConfirmCustomer:
        """The command for the worker. WorkerError where the customer's type is not known, or is another one."""
        if kind and self.kind and kind != self.kind:
            raise WorkerError(f"{self.letter.place}: its payload asks for a customer of the type {self.kind}")
        if not (known := self.kind or kind):
            raise WorkerError(f"{self.letter.place}: its payload does not tell the customer's type (--customer-type)")
        return ConfirmCustomer(self.request, customer_id, known)

    def message(self, command: ConfirmCustomer, topic: str) -> OutgoingMessage:
        """The message with that command, for the event's own partition: later repeats are recognised there."""
        headers = (("content-type", CONTENT_TYPE), (RESOLVES, str(self.at).encode()))
        return OutgoingMessage(topic, self.key, encode_confirmation(command), headers, self.at.partition)


@dataclass(frozen=True, slots=True)
class Doubts:
    """Finds doubts among the dead letters."""

    settings: Settings
    found: Topics

    async def at(self, place: Place) -> Doubt:
        """The doubt at that place. WorkerError says why a person's word cannot end it."""
        if place.partition >= self.found.dead_letters:
            raise WorkerError(f"there is no dead letter {place}")
        async with places(self.found.connection, self.found.plan.dead_letters, isolation=UNCOMMITTED) as topic:
            record = await topic.at(place.partition, place.offset)
        if record is None:
            raise WorkerError(f"there is no dead letter {place} (any more)")
        return await self._doubt(letter(record), record)

    async def _doubt(self, which: Letter, record: Record) -> Doubt:
        if not which.is_doubt:
            raise WorkerError(f"{which.place} is {which.called}, and no doubt")
        at = which.request
        if at is None or which.topic != self.found.plan.requests or at.partition >= self.found.requests:
            raise WorkerError(f"{which.place}: {self.found.plan.requests} has no place for what it is about")
        was = await received(self.found, which, record)
        asked = await self._asked(was) if isinstance(was, Record) else None
        request = _request(which, asked)
        kind = asked.customer.customer_type if isinstance(asked, CreateCustomer) else None
        return Doubt(which, at, (was if isinstance(was, Record) else record).key, request, kind)

    async def _asked(self, was: Record) -> Command:
        """The command of the original record, read without configured values.

        They may have changed since, but do not make it another event or another type of customer.
        """
        async with wiring.decoding(self.settings, None) as decode:
            return await decode(was)

    async def earlier(self, doubt: Doubt) -> Resolution | None:
        """The confirmation that was published before, as far back as the request topic reaches; None without one."""
        return (await resolutions(self.found, [doubt.letter])).of(doubt.letter)

    async def known(self, doubt: Doubt) -> Succeeded | None:
        """The customer that the journal knows for the event; None where it knows none."""
        if not self.settings.journal.enabled:
            return None
        event = doubt.request.event
        async for part in partitions(self.settings, doubt.at.partition, event):
            match part.journal.recall(event, NO_RECORD):
                case CreatedBefore(outcome):
                    return outcome
                case _:
                    return None
        return None


def _request(which: Letter, asked: Command | None) -> Request:
    """The event's own identity, from the letter's headers or else from its payload."""
    if which.event_source and which.event_id:
        told = asked.request if asked else Request(which.event_source, which.event_id)
        return replace(told, source=which.event_source, id=which.event_id)
    if asked is None:
        raise WorkerError(f"{which.place}: neither its headers nor its payload tell which event it is")
    return asked.request
