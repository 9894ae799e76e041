"""One command's way to its outcome: intent, POST, answer; again where that is safe, a look-up where it may not be."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, assert_never

from worker.assignment import Assignment
from worker.commands import CreateCustomer
from worker.entries import Entry, Intent, Released
from worker.errors import (
    ApiUnavailable,
    CreatedIdUnknown,
    Flooded,
    LeaseOver,
    LoginRefused,
    OutcomeUnknown,
    RefusedForNow,
)
from worker.flood import Flood
from worker.hold import Holds
from worker.journal import Fresh, InDoubt, Lease, Moment
from worker.measures import Measures
from worker.outcomes import Failed, HttpAnswer, Outcome, Reason, ReasonCode, Succeeded
from worker.pace import Pace
from worker.progress import Step, Trail
from worker.reconcile import Absent, Existing, Finding, Reconciliation, Unclear
from worker.records import Record
from worker.retry import Backoff

LOST = "the request was sent and it is not known what became of it"
OPEN = "an earlier attempt was started and never finished"


class Customers(Protocol):
    """The API; what each exception means stands in `worker.errors`."""

    async def log_in(self) -> None: ...
    async def create(self, command: CreateCustomer, before_sending: Callable[[], None]) -> Outcome: ...
    async def answer(self) -> None: ...
    def location(self, customer_id: str) -> str: ...


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a record is tried again."""

    max_attempts: int
    backoff: Backoff
    draw: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Creation:
    """Makes the customer exist once, or says why not."""

    customers: Customers
    reconciliation: Reconciliation
    retry: RetryPolicy
    holds: Holds
    pace: Pace
    flood: Flood
    calls: asyncio.Semaphore
    measures: Measures = field(default_factory=Measures)

    async def carry_out(
        self, command: CreateCustomer, trail: Trail, assignment: Assignment, known: Fresh | InDoubt
    ) -> Outcome:
        """The outcome; raises Draining and Fenced, and then the record has none yet."""
        course = _Course(self, command, trail, assignment, known.attempts)
        outcome = await course.earlier_doubt(known) if isinstance(known, InDoubt) else None
        try:
            while outcome is None:
                outcome = await course.attempt()
        finally:
            self.holds.leaves(course.record.place)
        return outcome


def unknown(why: str, attempts: int) -> Failed:
    """To be parked: nobody can tell, and it is never sent again unasked."""
    return Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, f"the customer may or may not exist: {why}"), attempts)


@dataclass(slots=True)
class _Course:
    """What has happened to one record so far."""

    by: Creation
    command: CreateCustomer
    trail: Trail
    assignment: Assignment
    attempts: int
    failures: int = 0
    doubted: Moment | None = None

    @property
    def record(self) -> Record:
        """Whose course it is."""
        return self.trail.record

    async def earlier_doubt(self, known: InDoubt) -> Outcome | None:
        """An open intent found in the journal; no two clocks are compared, so that another's counts from our claim."""
        restored = self.assignment.restored
        since = self.assignment.clock() if restored.writer in known.writers else restored.claimed
        return await self._doubt(since, OPEN)

    async def attempt(self) -> Outcome | None:
        """The outcome, or None where it is safe to try again. What never reached the API costs no attempt."""
        lease: Lease | None = None
        self.trail.enter(Step.TURN)
        try:
            async with self.by.holds.turn(self.assignment.pause, self.record.place) as probe:
                await self.by.customers.log_in()
                if wait := self.by.pace.reserve():
                    await self.assignment.pause(wait)
                self.trail.enter(Step.INTENT)
                lease = await self._write(Intent(self.attempts + 1))
                self.trail.enter(Step.TURN)
                outcome = await self._sent(lease)
                self._flooded(outcome)
        except OutcomeUnknown as doubt:
            self.attempts += 1
            handed = lease.handed if lease else self.assignment.clock()
            return await self._doubt(handed, f"{LOST} ({doubt})", exists=isinstance(doubt, CreatedIdUnknown))
        except RefusedForNow as refusal:
            self.attempts += not probe
            await self._write(Released(self.attempts))
            if (exhausted := self._exhausted(refusal)) is None:
                await self._again(refusal.retry_after)
            return exhausted
        except (ApiUnavailable, Flooded, LoginRefused, LeaseOver):
            if lease:
                await self._write(Released(self.attempts))
            await self._again()
            return None
        self.attempts += 1
        return await self._believed(replace(outcome, attempts=self.attempts))

    async def _sent(self, lease: Lease) -> Outcome:
        """A last refusal counts only where the API answers otherwise: no outage dead-letters anything."""
        last_look = self.assignment.before_sending(lease)
        try:
            async with self.by.calls:
                self.trail.enter(Step.POST)
                return await self.by.customers.create(self.trail.sends(self.command), last_look)
        except RefusedForNow as refusal:
            if self.attempts + 1 >= self.by.retry.max_attempts:
                if self.by.holds.others_fail(self.record.place):
                    raise ApiUnavailable(f"nobody is let through: {refusal}") from refusal
                await self.by.customers.answer()
            raise

    def _flooded(self, outcome: Outcome) -> None:
        """A refusal among nearly nothing but refusals is not believed: it would empty the topic into dead letters."""
        if self.by.flood.seen(refused=isinstance(outcome, Failed)):
            raise Flooded("nearly every customer is being refused")

    async def _write(self, entry: Entry) -> Lease:
        return await self.assignment.write(self.command.request.event, self.record.offset, entry)

    async def _again(self, retry_after: float | None = None) -> None:
        """Later, with the key kept and the slot given back."""
        self.failures += 1
        self.trail.enter(Step.RETRY)
        retry = self.by.retry
        await self.assignment.pause(retry.backoff.delay(self.failures, retry.draw(), retry_after))

    def _exhausted(self, refusal: RefusedForNow) -> Outcome | None:
        if self.attempts < self.by.retry.max_attempts:
            return None
        http = HttpAnswer(refusal.status, refusal.error_code)
        message = f"still refused after {self.attempts} attempts: {refusal}"
        return Failed(Reason(ReasonCode.RETRIES_EXHAUSTED, message, http=http), self.attempts)

    async def _believed(self, outcome: Outcome) -> Outcome:
        """A 400 after a doubt may be our own success: the API takes an e-mail address only once (reference 4.3)."""
        if self.doubted and isinstance(outcome, Failed) and outcome.reason.code is ReasonCode.REJECTED:
            finding = await self._look_up(self.doubted)
            return self._reconciled(finding) if isinstance(finding, Existing) else outcome
        return outcome

    async def _doubt(self, since: Moment, why: str, *, exists: bool = False) -> Outcome | None:
        """None where it is certain that nothing was created, and never where it is certain that something was."""
        self.doubted = since
        match await self._look_up(since):
            case Existing() as finding:
                return self._reconciled(finding)
            case Absent() if exists:
                return unknown(f"{why}; the look-up does not find it", self.attempts)
            case Absent():
                self.by.measures.found_absent()
                return self._given_up(why)
            case Unclear(detail):
                return unknown(f"{why}; {detail}", self.attempts)
            case other:
                assert_never(other)

    async def _look_up(self, since: Moment) -> Finding:
        while True:
            self.trail.enter(Step.LOOK_UP)
            try:
                return await self.by.reconciliation.look_up(self.command, since, self.assignment)
            except (ApiUnavailable, LoginRefused, RefusedForNow):
                await self._again()

    def _reconciled(self, finding: Existing) -> Succeeded:
        location = self.by.customers.location(finding.customer_id)
        made = self.command.customer.customer_type
        return Succeeded(finding.customer_id, location, made, self.attempts, resolution="reconciled")

    def _given_up(self, why: str) -> Failed | None:
        if self.attempts < self.by.retry.max_attempts:
            return None
        message = f"{why}; the customer does not exist, after {self.attempts} attempts"
        return Failed(Reason(ReasonCode.RETRIES_EXHAUSTED, message), self.attempts)
