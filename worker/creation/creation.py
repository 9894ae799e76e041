"""One command's way to its outcome: attempts, again where that is safe, and a look-up where it may not be."""

from dataclasses import dataclass, replace
from typing import assert_never

from worker.counting import counted
from worker.creation.attempt import Attempt, Doubt, NotMade
from worker.creation.calls import Call
from worker.creation.flood import Refusal
from worker.creation.means import Customers, Means, RetryPolicy
from worker.creation.reconcile import Absent, Existing, Finding, Unclear
from worker.journal.entries import Entry, Intent, Released
from worker.journal.lease import Moment
from worker.journal.recall import Fresh, InDoubt
from worker.model.commands import CreateCustomer
from worker.model.errors import ApiUnavailable, LoginRefused, RefusedForNow
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import EXISTS, Failed, HttpAnswer, Outcome, Reason, ReasonCode, Succeeded
from worker.model.records import Record
from worker.partition.assignment import Assignment
from worker.steps import Step, Trail

__all__ = ["OPEN", "Creation", "Customers", "RetryPolicy", "unknown"]

LOST = "the request was sent and it is not known what became of it"
OPEN = "an earlier attempt was started and never finished"


class Creation(Means):
    """Makes the customer exist once, or says why not."""

    __slots__ = ()

    def call(self) -> Call:
        """A record's call to the API, to be kept until its end is in the journal."""
        return Call(self.limit.calls)

    async def carry_out(
        self, command: CreateCustomer, trail: Trail, assignment: Assignment, known: Fresh | InDoubt, call: Call
    ) -> Outcome:
        """The outcome; raises Draining and Fenced, and then the record has none yet."""
        attempt = Attempt(self, command, trail, assignment, call)
        course = _Course(self, attempt, known.attempts, exists=known.exists)
        try:
            outcome = await course.begin(known)
            while outcome is None:
                outcome = await course.go_on()
        finally:
            self.holds.leaves(trail.record.place)
        return outcome


def unknown(why: str, attempts: int, *, exists: bool = False) -> Failed:
    """The outcome that parks a record: nobody can tell, and it is never sent again unless a person asks for that."""
    known = EXISTS if exists else "the customer may or may not exist"
    return Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, f"{known}: {why}"), attempts)


@dataclass(slots=True)
class _Course:
    """What has happened to one record so far; `exists`: the API said that it made a customer of its event."""

    by: Means
    attempt: Attempt
    attempts: int
    exists: bool
    failures: int = 0
    doubted: Moment | None = None

    @property
    def record(self) -> Record:
        """The record that is worked on."""
        return self.attempt.trail.record

    async def begin(self, known: Fresh | InDoubt) -> Outcome | None:
        """Take up what the journal knew; as `_doubt`. A doubt that a look-up has ended is none, and not forgotten."""
        if isinstance(known, InDoubt):
            return await self._earlier_doubt(known)
        if known.evidence.lost:
            self.attempt.evidence, self.attempt.first = known.evidence, False
            self.doubted = self.attempt.assignment.clock()
        return None

    async def _earlier_doubt(self, known: InDoubt) -> Outcome | None:
        """Settle a doubt that the journal knew; as `_doubt`.

        Its time counts from now if an open intent is ours, else from our claim: no two processes' clocks are compared.
        """
        self.attempt.evidence, self.attempt.first = known.evidence, False
        restored = self.attempt.assignment.restored
        since = self.attempt.assignment.clock() if restored.writer in known.writers else restored.claimed
        return await self._doubt(since, OPEN)

    async def go_on(self) -> Outcome | None:
        """The outcome, or None where it is safe to try again. What never reached the API costs no attempt."""
        match await self.attempt.make(self.attempts + 1):
            case Succeeded() as made:
                return made.after(self.attempts + 1)
            case Refusal(refused):
                self.attempts += 1
                return await self._believed(replace(refused, attempts=self.attempts))
            case Doubt(since, why, exists):
                # Asked before the look-up: the outage may be over when that ends.
                outage = self.by.holds.others_fail(self.record.place)
                self.attempts += 1
                if exists:
                    await self._remember()
                return await self._doubt(since, f"{LOST} ({why})", outage=outage)
            case NotMade() as not_made:
                return await self._not_made(not_made)
            case other:
                assert_never(other)

    async def _remember(self) -> None:
        """Write to the journal at once that the customer exists: no crash, repeat or look-up may forget it."""
        self.exists = True
        self.attempt.evidence = replace(self.attempt.evidence, exists=True)
        await self._write(Intent(self.attempts, evidence=self.attempt.evidence))

    async def _not_made(self, not_made: NotMade) -> Outcome | None:
        self.attempts += not_made.counts
        if not_made.intended:
            await self._write(Released(self.attempts, evidence=self._left_behind()))
        self.attempt.call.give()
        if not isinstance(not_made.why, RefusedForNow):
            await self._again()
            return None
        if (exhausted := self._exhausted(not_made.why)) is None:
            await self._again(not_made.why.retry_after)
        return exhausted

    def _left_behind(self) -> Evidence:
        """What whoever takes the record up after a release must know: nothing, unless an answer was lost before."""
        return NO_EVIDENCE if self.doubted is None else replace(self.attempt.evidence, lost=True)

    async def _write(self, entry: Entry) -> None:
        await self.attempt.assignment.write(self.attempt.command.request.event, self.record.offset, entry)

    async def _again(self, at_least: float | None = None) -> None:
        """Wait before the next try; the record keeps its key, and gives its slot back."""
        self.failures += 1
        self.attempt.trail.enter(Step.RETRY)
        retry = self.by.retry
        await self.attempt.assignment.pause(retry.backoff.delay(self.failures, retry.draw(), at_least))

    def _exhausted(self, refusal: RefusedForNow) -> Outcome | None:
        if self.attempts < self.by.retry.max_attempts:
            return None
        http = HttpAnswer(refusal.status, refusal.error_code)
        message = f"still refused after {counted(self.attempts, 'attempt')}: {refusal}"
        return Failed(Reason(ReasonCode.RETRIES_EXHAUSTED, message, http=http), self.attempts)

    async def _believed(self, outcome: Failed) -> Outcome:
        """Believe a refusal, but look the customer up at a 400 after a doubt, and park it where nobody can tell.

        It may come from our own success: the API takes an e-mail address only once. A drain does not wait for that: the
        intent stays open, and the next owner looks the customer up.
        """
        if self.doubted is None or outcome.reason.code is not ReasonCode.REJECTED:
            return outcome
        self.attempt.assignment.draining.require_none()
        match await self._look_up(self.doubted):
            case Existing() as finding:
                return self._reconciled(finding)
            case Absent():
                return outcome
            case Unclear(detail):
                return unknown(f"{LOST}, and the next was refused: {outcome.reason.message}; {detail}", self.attempts)
            case other:
                assert_never(other)

    async def _doubt(self, since: Moment, why: str, *, outage: bool = False) -> Outcome | None:
        """Look up what became of a POST. None where certainly nothing was created, so that it may be made again.

        Where the customer is known to exist it is never None. `outage`: others had failed as well when the doubt came.
        """
        self.doubted = since
        match await self._look_up(since):
            case Existing() as finding:
                return self._reconciled(finding)
            case Absent() if self.exists:
                return unknown(f"{why}; the look-up does not find it", self.attempts, exists=True)
            case Absent():
                self.by.measures.found_absent()
                return self._given_up(why, outage=outage)
            case Unclear(detail):
                return unknown(f"{why}; {detail}", self.attempts, exists=self.exists)
            case other:
                assert_never(other)

    async def _look_up(self, since: Moment) -> Finding:
        """Look the customer up until there is a finding. Failures while other calls are answered end it as Unclear."""
        failed, search = 0, self.by.reconciliation.search
        while True:
            self.attempt.trail.enter(Step.LOOK_UP)
            try:
                return await self.by.reconciliation.look_up(
                    self.attempt.command, since, self.attempt.assignment, self.attempt.evidence, self.record.place
                )
            except (ApiUnavailable, LoginRefused, RefusedForNow) as failure:
                self.attempt.assignment.draining.require_none()
                failed += await self._others_answered()
                if search is None or failed >= search.attempts:
                    return Unclear(
                        f"the look-up failed {counted(failed, 'time')} while other calls were answered: {failure}"
                    )
            await self._again(search.delay)

    async def _others_answered(self) -> bool:
        try:
            await self.by.customers.answer()
        except (ApiUnavailable, LoginRefused):
            return False
        return True

    def _reconciled(self, finding: Existing) -> Succeeded:
        location = self.by.customers.location(finding.customer_id)
        made = self.attempt.command.customer.customer_type
        return Succeeded(finding.customer_id, location, made, self.attempts, resolution="reconciled")

    def _given_up(self, why: str, *, outage: bool) -> Failed | None:
        """The failure after the last attempt, else None.

        As with refusals, no attempt is the last one while nobody else is answered either.
        """
        if self.attempts < self.by.retry.max_attempts:
            return None
        if outage or self.by.holds.others_fail(self.record.place):
            self.attempts = self.by.retry.max_attempts - 1
            return None
        message = f"{why}; the customer does not exist, after {counted(self.attempts, 'attempt')}"
        return Failed(Reason(ReasonCode.RETRIES_EXHAUSTED, message), self.attempts)
