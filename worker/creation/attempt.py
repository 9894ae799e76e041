"""One attempt to create a customer: the admission to the API, the intent, the POST, and what became of it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import assert_never

from worker.creation.calls import Call
from worker.creation.flood import Refusal
from worker.creation.group_pace import ANY_TIME, EARLY, Place
from worker.creation.means import Means
from worker.creation.probing import ask_first
from worker.journal.entries import Intent
from worker.journal.lease import Lease, Moment
from worker.model.commands import CreateCustomer
from worker.model.errors import (
    ApiUnavailable,
    CreatedIdUnknown,
    Draining,
    Flooded,
    HoldBegun,
    LeaseOver,
    LoginRefused,
    OutcomeUnknown,
    RefusedForNow,
)
from worker.model.evidence import NO_EVIDENCE, Evidence
from worker.model.outcomes import Failed, Outcome, Succeeded
from worker.partition.assignment import Assignment
from worker.partition.drain import after
from worker.steps import Step, Trail


@dataclass(frozen=True, slots=True)
class NotMade:
    """The POST was certainly not carried out, and is made again. `intended`: its intent has to be released first.

    It `counts` as an attempt where the API answered it.
    """

    why: RefusedForNow | ApiUnavailable | Flooded | HoldBegun | LeaseOver | LoginRefused
    intended: bool
    counts: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """The POST may have been carried out, or was (`exists`); `since` is when its intent was handed to the producer."""

    since: Moment
    why: str
    exists: bool


Tried = Succeeded | Refusal | NotMade | Doubt
"""What an attempt ends in. A NotMade alone is released, and only after that the POST is made again without a look-up.
"""


@dataclass(slots=True)
class Attempt:
    """Makes the attempts of one record, one after the other.

    Without a look-up, an intent that a crash leaves open is an unknown outcome. So the call is taken before the intent
    is written, and given back when the record's next entry is stored: no more intents are open than there are calls.
    With a look-up, intents are written before their call is taken: no call is idle while Kafka stores them. `first`:
    nothing was sent for the event's customer before.
    """

    by: Means
    command: CreateCustomer
    trail: Trail
    assignment: Assignment
    call: Call
    evidence: Evidence = NO_EVIDENCE
    first: bool = True
    _searched: Moment | None = None
    _lease: Lease | None = None
    _place: Place = ANY_TIME
    _left: float = 0.0

    async def make(self, number: int) -> Tried:
        """Make the attempt of that number. Raises Draining and Fenced; nothing was sent then without an intent."""
        self._lease, probe = None, False
        self.trail.enter(Step.ADMISSION)
        try:
            async with self.by.holds.permission(self.assignment.pause, self.trail.record.place) as probe:
                await self._prepare(probe=probe)
                return self._judged(await self._sent(number, probe=probe))
        except OutcomeUnknown as lost:
            self.first = False
            return Doubt(self._handed, str(lost), isinstance(lost, CreatedIdUnknown))
        except RefusedForNow as refusal:
            return NotMade(refusal, self._is_intended, counts=not probe)
        except (ApiUnavailable, Flooded, HoldBegun, LeaseOver, LoginRefused) as why:
            return NotMade(why, self._is_intended)
        finally:
            self._place.give_back()

    @property
    def _is_intended(self) -> bool:
        return self._lease is not None

    @property
    def _handed(self) -> Moment:
        return self._lease.handed if self._lease else self.assignment.clock()

    async def _prepare(self, *, probe: bool) -> None:
        await self.by.customers.log_in()
        if probe:
            await ask_first(self.by.holds, self.by.customers)
        self._place = await self.by.pace.place(self.assignment.partition, self.assignment.wait, first=probe)
        await self._search()

    async def _search(self) -> None:
        """Search for customers that a later look-up could take for ours.

        What was found is believed for as long as a search may lag; then it is searched again.
        """
        search = self.by.reconciliation.search
        if search is None or not search.of_others or not self.first:
            return
        now = self.assignment.clock()
        if self._searched is None or now.since(self._searched) > search.settle:
            self.trail.enter(Step.LOOK_UP)
            await self.call.take()
            self.assignment.draining.require_none()
            found = await self.by.reconciliation.before(self.command)
            self.call.give()
            self.evidence, self._searched = replace(self.evidence, found_before=found), now
            self.trail.enter(Step.ADMISSION)

    async def _sent(self, number: int, *, probe: bool) -> Outcome:
        """The answer to the POST; a last refusal counts only if `_require_answers` returns."""
        lease = self._lease = await self._intended(number, probe=probe)
        try:
            return await self._posted(lease, probe=probe)
        except RefusedForNow as refusal:
            if number >= self.by.retry.max_attempts:
                await self._require_answers(refusal)
            raise

    async def _require_answers(self, refusal: RefusedForNow) -> None:
        """Return if the API answers other calls: no outage dead-letters. A drain does not wait for that to be known."""
        if self.assignment.ending or self.by.holds.others_fail(self.trail.record.place):
            raise ApiUnavailable(f"nobody is let through: {refusal}") from refusal
        await self.by.customers.answer()

    async def _intended(self, number: int, *, probe: bool) -> Lease:
        if self.by.reconciliation.search is None:
            await self.call.take()
        self.assignment.draining.require_none()
        self.by.holds.still(probe=probe)
        self.trail.enter(Step.INTENT)
        intent = Intent(number, evidence=self.evidence)
        return await self.assignment.write(self.command.request.event, self.trail.record.offset, intent)

    async def _posted(self, lease: Lease, *, probe: bool) -> Outcome:
        self.trail.enter(Step.ADMISSION)
        await self.call.take()
        try:
            await self._moment(lease)
            self.trail.enter(Step.POST)
            return await self._created(self._last_look(lease, probe=probe))
        finally:
            if self.by.reconciliation.search is not None:
                self.call.give()

    async def _created(self, last_look: Callable[[], float]) -> Outcome:
        """The answer to the POST; how long it took is told to the limit of calls at once."""
        try:
            outcome = await self.by.customers.create(self.trail.trace_post(self.command), last_look)
        except RefusedForNow:
            self.by.limit.refused(self._left)
            raise
        except OutcomeUnknown:
            self.by.limit.answered(self._left)
            raise
        self.by.limit.answered(self._left)
        return outcome

    async def _moment(self, lease: Lease) -> None:
        """Return shortly before the moment of the POST: a connection that was taken earlier would only grow old."""
        while (left := self._left_to_wait(lease) - EARLY) > 0:
            with suppress(Draining):  # the intent is released then
                await self.assignment.draining.unless(after(left))

    def _left_to_wait(self, lease: Lease) -> float:
        """Seconds. LeaseOver where the moment comes too late for the intent, or the partition drains: a drain that had
        to wait for it, or for a login or connection before it, would be cut short, and leave a doubt.
        """
        left = self._place.wait()
        if self.assignment.ending or (left and lease.is_over(self.assignment.clock(), left)):
            raise LeaseOver
        return left

    def _last_look(self, lease: Lease, *, probe: bool) -> Callable[[], float]:
        look = self.assignment.before_sending(lease)

        def last_look() -> float:
            look()
            self.by.holds.still(probe=probe)
            if not (left := self._left_to_wait(lease)):
                self._place.leave()
                self._left = self.by.limit.clock()
            return min(left, EARLY)  # it is asked again, and so ends a longer wait when a drain begins

        return last_look

    def _judged(self, outcome: Outcome) -> Succeeded | Refusal:
        match outcome:
            case Succeeded():
                self.by.flood.created()
                return outcome
            case Failed():
                return self.by.flood.judge(Refusal(outcome))
            case other:
                assert_never(other)
