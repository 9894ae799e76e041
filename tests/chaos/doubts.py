"""Whether each record that is told as unknown was in doubt; with a look-up none needs to be."""

from collections.abc import Iterator, Sequence

from chaos.api_troubles import REQUEST_TIMEOUT
from chaos.facts import Asked, Facts
from chaos.gate import Call
from chaos.known import UNKNOWN, Known, event_of

UNKNOWN_STATUSES = frozenset({500, 502, 504})
AROUND = 1.0
"""Seconds before an intent in which a strike may have ended: an entry has its time from before it was handed over."""


def unjustified(known: Known) -> Iterator[str]:
    """An event is in doubt when a call for it got no answer that tells, or its worker was struck meanwhile."""
    for each in known.facts.asked:
        events = [event for event in known.told_of(each) if event.ending == UNKNOWN]
        if not events:
            continue
        records = known.records[event_of(each.item.trace)]
        calls = [call for record in records for call in known.calls.get(record.item.trace, ())]
        if known.facts.look_up and each.item.event not in known.facts.unsearchable:
            yield f"{each} is told as unknown, and could be looked up: {events[0].event['data']['reason']['message']}"
        elif not any(map(_leaves_doubt, calls)) and not _struck(known.facts, records, calls, events[0].at):
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
    first = min(signs, default=until)
    return bool(signs) and any(strike.began <= until and strike.ended >= first - AROUND for strike in facts.strikes)
