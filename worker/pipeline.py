"""One record, start to finish: decode, intent, POST, finished, publish; only then is its offset committable."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

import structlog

from worker.assignment import Assignment
from worker.commands import Command, ConfirmCustomer, CreateCustomer, Request
from worker.confirming import confirmed
from worker.creation import OPEN, Creation, unknown
from worker.entries import Finished
from worker.errors import MessageTooLarge
from worker.journal import CreatedBefore, Ended, Fresh, InDoubt
from worker.letter_headers import accepts_duplicates
from worker.measures import Measures
from worker.outcomes import Failed, Outcome, Succeeded
from worker.progress import Step, Trail, Trails
from worker.records import OutgoingMessage, Position, Record
from worker.results import Results

log = structlog.get_logger()


class Publish(Protocol):
    """Return once all in-sync replicas have the message; never given up."""

    async def __call__(self, message: OutgoingMessage) -> Position: ...


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Decides what becomes of each record, in the order that no crash can turn into a duplicate (design 4.6)."""

    decode: Callable[[Record], Command]
    creation: Creation
    results: Results
    publish: Publish
    trails: Trails = field(default_factory=Trails)
    measures: Measures = field(default_factory=Measures)

    async def process(
        self, record: Record, assignment: Assignment, settled: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Return once the outcome is published; only then may the offset be committed.

        `settled` is called when the outcome is known: nothing more is sent for this record then.
        """
        started = time.time()
        with self.trails.follow(record) as trail:
            asked = trail.asks(self.decode(record))
            trail.enter(Step.SAME_EVENT)
            async with assignment.alone_with(asked.request.event):
                outcome = await self._settle(asked, trail, assignment, settled)
            trail.enter(Step.PUBLISH)
            await self._announce(outcome, record, asked.request, started)
            trail.finds(outcome)
        ended = time.time()
        self.measures.ended(outcome, ended - (record.since or started), asked.request.trace_id)
        _tell(record, asked.request, outcome, ended - started)
        return outcome

    async def _settle(
        self, asked: Command, trail: Trail, assignment: Assignment, settled: Callable[[], None]
    ) -> Outcome:
        """The record's outcome, which is in the journal before anybody hears of it."""
        outcome: Outcome
        record = trail.record
        accepted = accepts_duplicates(record.headers)
        match assignment.journal.recall(asked.request.event, record.offset, doubts_accepted=accepted):
            case Ended(outcome):
                return outcome
            case CreatedBefore() | Fresh() | InDoubt() as known if isinstance(asked, ConfirmCustomer):
                outcome = confirmed(asked, known, self.creation.customers.location)
            case CreatedBefore(created):
                outcome = replace(created, resolution="already_created")
            case Fresh() | InDoubt() as known if isinstance(asked, CreateCustomer):
                outcome = await self.creation.carry_out(asked, trail, assignment, known)
            case Fresh():
                outcome = Failed(asked.reason)
            case InDoubt(attempts):
                outcome = unknown(f"{OPEN}; it is not valid any more: {asked.reason.message}", attempts)
            case other:
                assert_never(other)
        trail.enter(Step.FINISH)
        # The next of the key may begin: its intent comes behind this finish in the journal, so that its POST does too.
        settled()
        await assignment.write(asked.request.event, record.offset, Finished(outcome))
        self.measures.settled(outcome)
        return outcome

    async def _announce(self, outcome: Outcome, record: Record, request: Request, first_seen: float) -> None:
        """The failed event says where its dead letter is, so that one is published first."""
        match outcome:
            case Succeeded():
                await self.publish(self.results.succeeded(outcome, record, request))
            case Failed():
                dead_letter = await self._dead_letter(outcome, record, request, first_seen)
                self.measures.dead_lettered(outcome.reason.code)
                await self.publish(self.results.failed(outcome, record, request, dead_letter))
            case other:
                assert_never(other)

    async def _dead_letter(self, outcome: Failed, record: Record, request: Request, first_seen: float) -> Position:
        """A record that the topic does not take is kept by its place: it is still in the request topic."""
        try:
            return await self.publish(self.results.dead_letter(outcome, record, request, first_seen))
        except MessageTooLarge:
            without = self.results.without_payload()
            return await self.publish(without.dead_letter(outcome, record, request, first_seen))


def _tell(record: Record, request: Request, outcome: Outcome, seconds: float) -> None:
    """The one line of this record."""
    failed = outcome.reason.code.value if isinstance(outcome, Failed) else None
    log.info(
        "record.finished",
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=request.id,
        outcome="failed" if failed else "succeeded",
        reason=failed,
        customer_id=outcome.customer_id if isinstance(outcome, Succeeded) else None,
        attempts=outcome.attempts,
        seconds=round(seconds, 4),
        trace_id=request.trace_id,
    )
