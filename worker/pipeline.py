"""One record, start to finish: decode, intent, POST, finished, publish; only then is its offset committable."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never
from uuid import UUID

import structlog

from worker.creation.calls import Call
from worker.creation.confirming import confirmed
from worker.creation.creation import OPEN, Creation, unknown
from worker.events.letter_headers import accepts_duplicates, came_back, doubt
from worker.events.results import Results, forms
from worker.journal.journal import PartitionJournal
from worker.journal.recall import CreatedBefore, DoubtAsAnother, Ended, Fresh, InDoubt, Recollection
from worker.measures import Measures, named
from worker.model.commands import Command, ConfirmCustomer, CreateCustomer, PassOver, Request, Unusable
from worker.model.errors import MessageTooLarge, SchemaRegistryUnavailable
from worker.model.outcomes import End, Failed, PassedOver, Succeeded
from worker.model.records import OutgoingMessage, Position, Record
from worker.partition.assignment import Assignment
from worker.steps import Step, Trail, Trails

log = structlog.get_logger()


Unended = Fresh | CreatedBefore | InDoubt | DoubtAsAnother
"""What the journal can know of a record that has no outcome yet."""


class Publish(Protocol):
    """Return the message's position once all in-sync replicas have it; never given up. Raises MessageTooLarge."""

    async def __call__(self, message: OutgoingMessage) -> Position: ...


class Schemas(Protocol):
    """The schemas that must be fetched before records can be decoded. A fetch never waits for a record."""

    def wanted(self, record: Record) -> asyncio.Future[None] | None:
        """A new future, done once the record's schema is there, however long that takes; None where it is already."""


class NoRegistry:
    """In place of the schemas where no registry is used: every record can be decoded by itself."""

    def wanted(self, _: Record) -> None:
        """None: there is nothing to fetch."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Decides what becomes of each record, in an order safe against crashes (docs: design, the order of one record)."""

    decode: Callable[[Record], Command]
    creation: Creation
    results: Results
    publish: Publish
    schemas: Schemas = field(default_factory=NoRegistry)
    trails: Trails = field(default_factory=Trails)
    measures: Measures = field(default_factory=Measures)
    letters: dict[Position, Position] = field(default_factory=dict)
    """Where the dead letter of each record is, by the record's place, until its failed event is published."""

    async def process(
        self, record: Record, assignment: Assignment, outcome_known: Callable[[], None] = lambda: None
    ) -> End:
        """Return once the outcome is published; only then may the offset be committed.

        Nothing is published for a record that is passed over. `outcome_known` is called as soon as the outcome is
        decided: from then on nothing is sent for this record.
        """
        started = time.time()
        with self.trails.follow(record) as trail:
            asked = trail.trace_command(await self._decoded(record, trail, assignment))
            trail.enter(Step.SAME_EVENT)
            async with assignment.alone_with(asked.request.event):
                with self.creation.call() as call:
                    end, repeated = await self._end(asked, trail, assignment, outcome_known, call)
            trail.enter(Step.PUBLISH)
            # An outcome that the journal knew, and that the partition's previous owner has published, is not published
            # again.
            if not (repeated and assignment.offsets.is_published(record.offset)):
                await self._announce(end, record, asked.request, started)
            trail.trace_outcome(end)
        ended = time.time()
        self.measures.ended(end, ended - (record.since or started), asked.request.trace_id)
        _tell(record, asked.request, end, ended - started)
        return end

    async def _decoded(self, record: Record, trail: Trail, assignment: Assignment) -> Command:
        """Decode the record. Where that needs a schema that is missing, wait for it without a slot and decode again.

        A rule of the mapping that does not look at the value needs no schema.
        """
        while True:
            try:
                return self.decode(record)
            except SchemaRegistryUnavailable:
                if (schema := self.schemas.wanted(record)) is None:
                    raise
            trail.enter(Step.SCHEMA)
            await assignment.wait(schema)
            trail.enter(Step.DECODE)

    async def _end(
        self,
        asked: Command,
        trail: Trail,
        assignment: Assignment,
        outcome_known: Callable[[], None],
        call: Call,
    ) -> tuple[End, bool]:
        """The record's end, and whether the journal knew it before; a new outcome is in the journal on return."""
        record = trail.record
        known = _recalled(assignment.journal, asked.request.event, record)
        if isinstance(known, Ended):
            return known.outcome, True
        outcome = await self._decided(asked, known, trail, assignment, call)
        if isinstance(outcome, PassedOver):
            return outcome, False
        trail.enter(Step.FINISH)
        # The next record of the key may begin: its intent comes behind this finish in the journal, and so does its
        # POST.
        outcome_known()
        event = asked.request.event
        await assignment.write(event, record.offset, assignment.journal.finish(event, outcome, doubt(record.headers)))
        self.measures.count_outcome(outcome)
        return outcome, False

    async def _decided(self, asked: Command, known: Unended, trail: Trail, assignment: Assignment, call: Call) -> End:
        """Decide the end of a record that has no outcome yet.

        Only a CreateCustomer leads to a call of the API. A record is passed over only where the journal knows neither a
        customer nor a doubt of its event.
        """
        match known:
            case DoubtAsAnother(attempts):
                return unknown(f"{OPEN}; the settings made another event of this record since", attempts)
            case CreatedBefore() | Fresh() | InDoubt() if isinstance(asked, ConfirmCustomer):
                return confirmed(asked, known, self.creation.customers.location)
            case CreatedBefore(created):
                return replace(created, resolution="already_created")
            case Fresh() | InDoubt() if isinstance(asked, CreateCustomer):
                return await self.creation.carry_out(asked, trail, assignment, known, call)
            case Fresh():
                return PassedOver(asked.rule) if isinstance(asked, PassOver) else Failed(asked.reason)
            case InDoubt(attempts, exists=exists):
                return unknown(f"{OPEN}; it is not valid any more: {_against(asked)}", attempts, exists=exists)
            case other:
                assert_never(other)

    async def _announce(self, end: End, record: Record, request: Request, first_seen: float) -> None:
        """Publish the end; a failure's dead letter first, since the failed event says where the dead letter is."""
        match end:
            case Succeeded():
                await self._publish(forms(self.results.succeeded(end, record, request)))
            case Failed():
                dead_letter = await self._dead_letter(end, record, request, first_seen)
                await self._publish(forms(self.results.failed(end, record, request, dead_letter)))
                self.letters.pop(record.place, None)
            case PassedOver():
                return
            case other:
                assert_never(other)

    async def _dead_letter(self, outcome: Failed, record: Record, request: Request, first_seen: float) -> Position:
        """The position of the record's dead letter.

        It is published once, even when its failed event has to be tried again.
        """
        if (stored := self.letters.get(record.place)) is None:
            stored = await self._publish(self.results.dead_letters(outcome, record, request, first_seen))
            self.letters[record.place] = stored
            self.measures.dead_lettered(outcome.reason.code)
        return stored

    async def _publish(self, messages: Iterable[OutgoingMessage]) -> Position:
        """Publish the first of these forms of one message that its topic takes; MessageTooLarge where it takes none."""
        refusal: MessageTooLarge | None = None
        for message in messages:
            try:
                return await self.publish(message)
            except MessageTooLarge as error:
                refusal = error
        raise refusal or MessageTooLarge("nothing to be published")


def _recalled(journal: PartitionJournal, event: UUID, record: Record) -> Recollection:
    """What the journal knows, and what the headers of a dead letter that comes back say.

    The journal may have forgotten what those headers tell, or never have known it.
    """
    if not came_back(record.headers):
        return journal.recall(event, record.offset)
    accepted = accepts_duplicates(record.headers)
    known = journal.recall(event, record.offset, doubts_accepted=accepted)
    if (told := doubt(record.headers)) is None:
        return known
    match known:
        case Fresh() if accepted:
            return replace(known, exists=known.exists or told.exists)
        case Fresh(attempts):
            return InDoubt(attempts, evidence=told)
        case InDoubt():
            return replace(known, evidence=known.evidence | told)
        case _:
            return known


def _against(asked: Unusable | PassOver) -> str:
    """Why nothing more is sent for a record of which an earlier POST is in doubt."""
    return f"the mapping passes it over: {asked.rule}" if isinstance(asked, PassOver) else asked.reason.message


def _tell(record: Record, request: Request, end: End, seconds: float) -> None:
    """Log the one line that says how this record ended."""
    outcome, reason = named(end)
    log.info(
        "record.finished",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=request.id,
        outcome=outcome,
        reason=reason if outcome != "succeeded" else None,
        customer_id=end.customer_id if isinstance(end, Succeeded) else None,
        attempts=0 if isinstance(end, PassedOver) else end.attempts,
        seconds=round(seconds, 4),
        trace_id=request.trace_id,
    )
