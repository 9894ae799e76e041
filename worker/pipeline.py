"""One record, start to finish: decode, intent, POST, finished, publish; only then is its offset committable."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

import structlog

from worker.assignment import Assignment
from worker.commands import CreateCustomer, Request, Unusable
from worker.errors import ApiUnavailable, LoginRefused, OutcomeUnknown, RefusedForNow
from worker.hold import Holds
from worker.journal import CreatedBefore, Ended, Finished, Fresh, InDoubt, Intent, Released
from worker.outcomes import Failed, HttpAnswer, Outcome, Reason, ReasonCode, Succeeded
from worker.records import OutgoingMessage, Position, Record
from worker.results import Results
from worker.retry import Backoff

log = structlog.get_logger()
LOST_ANSWER = "the request was sent and its answer never came; the customer may or may not exist"
OPEN_INTENT = "an earlier attempt was started and never finished; the customer may or may not exist"


class Customers(Protocol):
    """The API; what each exception means stands in `worker.errors`."""

    async def log_in(self) -> None: ...
    async def create(self, command: CreateCustomer) -> Outcome: ...


class Publish(Protocol):
    """Return once all in-sync replicas have the message; never given up."""

    async def __call__(self, message: OutgoingMessage) -> Position: ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a record is tried again."""

    max_attempts: int
    backoff: Backoff
    draw: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Decides what becomes of each record, in the order that no crash can turn into a duplicate (design 4.6)."""

    decode: Callable[[Record], CreateCustomer | Unusable]
    customers: Customers
    results: Results
    publish: Publish
    retry: RetryPolicy
    holds: Holds

    async def process(self, record: Record, assignment: Assignment) -> Outcome:
        """Return once the outcome is published; only then may the offset be committed."""
        started = time.time()
        asked = self.decode(record)
        async with assignment.alone_with(asked.request.event):
            outcome = await self._settle(asked, record, assignment)
        await self._announce(outcome, record, asked.request, started)
        _tell(record, asked.request, outcome, time.time() - started)
        return outcome

    async def _settle(self, asked: CreateCustomer | Unusable, record: Record, assignment: Assignment) -> Outcome:
        """The record's outcome, which is in the journal before anybody hears of it."""
        outcome: Outcome
        match assignment.journal.recall(asked.request.event, record.offset):
            case Ended(outcome):
                return outcome
            case CreatedBefore(created):
                outcome = replace(created, resolution="already_created")
            case InDoubt(attempts):
                outcome = _unknown(OPEN_INTENT, attempts)
            case Fresh(attempts):
                outcome = await self._carry_out(asked, record, assignment, attempts)
            case other:
                assert_never(other)
        await assignment.write(asked.request.event, record.offset, Finished(outcome))
        return outcome

    async def _carry_out(
        self, asked: CreateCustomer | Unusable, record: Record, assignment: Assignment, attempts: int
    ) -> Outcome:
        """Try until there is an outcome; a probe during a hold, or what never reached the API, costs no attempt."""
        if isinstance(asked, Unusable):
            return Failed(asked.reason)
        failures = 0
        while True:
            try:
                async with self.holds.turn(assignment.pause) as probe:
                    await self.customers.log_in()
                    outcome = await self._attempt(asked, record, assignment, attempts + 1, probe=probe)
                return replace(outcome, attempts=attempts + 1)
            except OutcomeUnknown as doubt:
                return _unknown(f"{LOST_ANSWER} ({doubt})", attempts + 1)
            except RefusedForNow as refusal:
                attempts += not probe
                if attempts >= self.retry.max_attempts:
                    return _exhausted(refusal, attempts)
                retry_after = refusal.retry_after
            except (ApiUnavailable, LoginRefused):
                retry_after = None
            failures += 1
            await assignment.pause(self.retry.backoff.delay(failures, self.retry.draw(), retry_after))

    async def _attempt(
        self, command: CreateCustomer, record: Record, assignment: Assignment, attempt: int, *, probe: bool
    ) -> Outcome:
        """Intent, POST; a definite "not carried out" is written down, so that only real doubt is doubt."""
        event = command.request.event
        await assignment.write(event, record.offset, Intent(attempt))
        try:
            return await self.customers.create(command)
        except RefusedForNow:
            await assignment.write(event, record.offset, Released(attempt - probe))
            raise
        except (ApiUnavailable, LoginRefused):
            await assignment.write(event, record.offset, Released(attempt - 1))
            raise

    async def _announce(self, outcome: Outcome, record: Record, request: Request, first_seen: float) -> None:
        """The failed event says where its dead letter is, so that one is published first."""
        match outcome:
            case Succeeded():
                await self.publish(self.results.succeeded(outcome, record, request))
            case Failed():
                dead_letter = await self.publish(self.results.dead_letter(outcome, record, first_seen))
                await self.publish(self.results.failed(outcome, record, request, dead_letter))
            case other:
                assert_never(other)


def _unknown(message: str, attempts: int) -> Failed:
    return Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, message), attempts)


def _exhausted(refusal: RefusedForNow, attempts: int) -> Failed:
    message = f"still refused after {attempts} attempts: {refusal}"
    http = HttpAnswer(refusal.status, refusal.error_code)
    return Failed(Reason(ReasonCode.RETRIES_EXHAUSTED, message, http=http), attempts)


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
