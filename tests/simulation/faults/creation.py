"""Faults on a command's way to its outcome: attempts, doubts, look-ups, holds, sessions."""

from dataclasses import replace
from typing import Any

from simulation.story import Act, Happening
from worker import wiring
from worker.creation.attempt import Attempt, Doubt, NotMade
from worker.creation.breaker import Breaker
from worker.creation.calls import Call
from worker.creation.creation import _Course
from worker.creation.flood import Flood
from worker.creation.holds import Holds
from worker.creation.reconcile import Absent, Existing, Reconciliation
from worker.customer_api.client import CustomerApi
from worker.model.errors import ApiUnavailable, Flooded, RefusedForNow, SearchRefused
from worker.model.evidence import NO_EVIDENCE
from worker.model.outcomes import Succeeded
from worker.settings.settings import Settings

from .mutant import UNANSWERED, Mutant

_judged, _make, _not_made, _doubt = Attempt._judged, Attempt.make, _Course._not_made, _Course._doubt
_find = CustomerApi._find


def _flood_of_created(self: Attempt, outcome: Any) -> Any:
    if isinstance(outcome, Succeeded):
        if self.by.flood.is_on():
            raise Flooded("nearly every customer is being refused")
        return outcome
    return _judged(self, outcome)


async def _unknown_sent_again(self: Attempt, number: int) -> Any:
    tried = await _make(self, number)
    if isinstance(tried, Doubt) and not tried.exists:
        return NotMade(ApiUnavailable(tried.why), intended=True)
    return tried


async def _outages_count(self: Attempt, number: int) -> Any:
    tried = await _make(self, number)
    if isinstance(tried, NotMade) and isinstance(tried.why, ApiUnavailable):
        return replace(tried, why=RefusedForNow(503, None, None), counts=True)
    return tried


async def _not_counted(self: _Course, not_made: NotMade) -> Any:
    return await _not_made(self, replace(not_made, counts=False))


async def _released_is_not_written(self: _Course, not_made: NotMade) -> Any:
    return await _not_made(self, replace(not_made, intended=False))


async def _nothing_remembered(_: _Course) -> None:
    """The customer exists, and nobody writes it down."""


async def _absent_although_it_exists(self: _Course, *given: Any, **named: Any) -> Any:
    exists, self.exists = self.exists, False
    try:
        return await _doubt(self, *given, **named)
    finally:
        self.exists = exists


async def _nothing_found() -> tuple[str, ...]:
    return ()


async def _nothing_where_it_fails(self: CustomerApi, *given: str) -> list[str]:
    try:
        return await _find(self, *given)
    except (SearchRefused, ApiUnavailable):
        return []


async def _any_hit_is_ours(self: Reconciliation, search: Any, command: Any, *_: Any) -> Any:
    found = await search.find(command)
    return Existing(found[0]) if found else Absent()


def _settles_early(settings: Settings) -> float:
    return settings.reconcile.settle_delay


_DOUBTS = (Act.API_LOST, Act.API_BEFORE, Act.API_LATE)

MUTANTS = {
    "flood-of-created": Mutant(
        "a customer that was made begins a flood hold, and is sent again",
        [(Attempt, "_judged", _flood_of_created)],
        (Act.FLOOD, Act.REPEAT),
    ),
    "no-flood-guard": Mutant(
        "whatever is refused is believed",
        [(Flood, "is_on", lambda _: False)],
        (Act.FLOOD,),
        {"workers": 1, "events": 20, "in_flight": 4, "latency": 0.05},
    ),
    "exists-forgotten": Mutant(
        "a 201 without an id is not written down, so that a look-up that finds nothing has it sent again",
        [(_Course, "_remember", _nothing_remembered)],
        (Act.API_NO_ID, Act.API_HIDDEN, Act.KILL),
    ),
    "exists-not-heeded": Mutant(
        "a look-up that finds nothing is believed although the API said that it made the customer",
        [(_Course, "_doubt", _absent_although_it_exists)],
        (Act.API_HIDDEN,),
        {"look_up": "custom_attribute"},
    ),
    "unknown-sent-again": Mutant(
        "a call without an answer is taken for one that never left",
        [(Attempt, "make", _unknown_sent_again)],
        UNANSWERED,
    ),
    "outages-count": Mutant(
        "what never reached the API costs an attempt",
        [(Attempt, "make", _outages_count)],
        (Act.API_AWAY, Act.API_LOCKED),
    ),
    "attempts-not-counted": Mutant(
        "a record is sent for as long as the API refuses it for now",
        [(_Course, "_not_made", _not_counted)],
        (Act.API_STATUS,),
        {"pause": 0.5},
    ),
    "refusals-not-released": Mutant(
        "the intent of a call that was refused for now stays open",
        [(_Course, "_not_made", _released_is_not_written)],
        (Act.API_STATUS, Act.API_AWAY, Act.STOP, Act.MORE),
    ),
    "a-release-forgets": Mutant(
        "a release says nothing of the answer that was lost before it",
        [(_Course, "_left_behind", lambda _: NO_EVIDENCE)],
        (Act.KILL,),
        {
            "workers": 1,
            "partitions": 1,
            "events": 20,
            "keys": 20,
            "pause": 0.1,
            "look_up": "custom_attribute",
            "unique": True,
            "static": False,
            "happenings": (
                Happening(0.1, Act.SEARCH_LAG, lasts=200.0, size=60.0),
                Happening(0.3, Act.API_LOST, lasts=3.0),
                Happening(25.0, Act.API_STATUS, lasts=45.0, size=429.0),
                Happening(56.0, Act.KILL),
            ),
        },
    ),
    "settles-early": Mutant(
        "a doubt is looked up while its call may still be on its way",
        [(wiring.creation, "settle_time", _settles_early)],
        (Act.API_LATE, Act.KILL),
        {"look_up": "custom_attribute", "workers": 1},
    ),
    "no-search-before": Mutant(
        "nobody asks whose customer it is that a look-up finds",
        [(Reconciliation, "before", lambda *_: _nothing_found())],
        (Act.STRANGERS, Act.API_LOST, Act.API_BEFORE),
        {"look_up": "email", "pause": 0.1},
    ),
    "no-answer-is-no-hit": Mutant(
        "a search that fails has found nothing",
        [(CustomerApi, "_find", _nothing_where_it_fails)],
        (Act.SEARCH_BROKEN, Act.SEARCH_REFUSED, Act.API_LOST),
        {"look_up": "custom_attribute"},
    ),
    "any-hit-is-ours": Mutant(
        "whatever a look-up finds is taken for the event's own customer",
        [(Reconciliation, "_ask", _any_hit_is_ours)],
        (Act.STRANGERS, Act.API_LOST, Act.API_BEFORE),
        {"look_up": "email", "pause": 0.1},
    ),
    "call-kept": Mutant(
        "a record's call to the API is not given back at its end",
        [(Call, "__exit__", lambda *_: None)],
        (Act.API_STATUS, Act.API_LOST),
    ),
    "failures-not-forgotten": Mutant(
        "a record that has ended counts as one that fails",
        [(Holds, "leaves", lambda *_: None)],
        (Act.API_LOST, Act.API_AWAY, Act.SEARCH_REFUSED),
    ),
    "never-probed": Mutant(
        "a hold about the API waits for a permission that nobody has",
        [(Breaker, "passed_on", lambda *_, **__: None)],
        (Act.API_LOST, Act.API_AWAY, Act.API_LOCKED, Act.STOP, Act.MORE, Act.LESS),
    ),
    "sessions-not-renewed": Mutant(
        "a call that was refused for its session is a refusal of its customer",
        [(CustomerApi, "_refused", lambda *_: False)],
        (Act.API_EXPIRES, Act.API_LOGIN),
    ),
}
