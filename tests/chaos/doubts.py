"""Whether each record that is told as unknown was in doubt; with a look-up none needs to be."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from chaos.api_troubles import REQUEST_TIMEOUT
from chaos.facts import Asked, Facts, Place, Told
from chaos.gate import Call

UNKNOWN_STATUSES = frozenset({500, 502, 504})
AROUND = 1.0
"""Seconds before an intent in which a strike may have begun: an entry carries the time at which it was handed over."""


def unjustified(facts: Facts, told: Mapping[Place, Sequence[Told]]) -> Iterator[str]:
    """An event is in doubt when a call for it got no answer that tells, or its worker was struck meanwhile."""
    records: defaultdict[str, list[Asked]] = defaultdict(list)
    calls: defaultdict[str, list[Call]] = defaultdict(list)
    for each in facts.asked:
        records[each.item.trace[:24]].append(each)
    for call in facts.calls:
        calls[call.trace[:24]].append(call)
    for each in facts.asked:
        events = [event for event in told.get(each.place, ()) if event.ending == "outcome_unknown"]
        if not events:
            continue
        if facts.look_up:
            yield f"{each} is told as unknown, and could be looked up: {events[0].event['data']['reason']['message']}"
            continue
        event = each.item.trace[:24]
        if not any(map(_leaves_doubt, calls[event])) and not _struck(facts, records[event], calls[event], events[0].at):
            yield f"{each} is told as unknown, and nothing has happened that makes it so"


def _leaves_doubt(call: Call) -> bool:
    """An answer that came late may have found that nobody was waiting."""
    return (
        call.answered is None
        or call.status in UNKNOWN_STATUSES
        or (call.status == 201 and not call.located)
        or call.answered - call.arrived > REQUEST_TIMEOUT / 2
    )


def _struck(facts: Facts, records: Sequence[Asked], calls: Sequence[Call], until: float) -> bool:
    """Between the first sign of a call and the end something happened to the workers or to Kafka."""
    signs = [time for each in records for time in facts.intents.get(each.place, ())]
    signs += [call.arrived for call in calls]
    if not signs:
        return False
    return any(strike.began <= until and strike.ended >= min(signs) - AROUND for strike in facts.strikes)
