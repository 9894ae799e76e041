"""Whether the records of one key were worked on one after another, by what went through the gate."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from chaos.facts import Asked, Facts, Place, Told


def disorder(facts: Facts, told: Mapping[Place, Sequence[Told]]) -> Iterator[str]:
    """No call for a record came before the record before it, of the same key, had its terminal event.

    Nor after its own, except where that said that nobody can know: then the call was on its way all the time.
    Both clocks are this machine's, and a terminal event has its time from before it was handed over.
    """
    calls: defaultdict[str, list[float]] = defaultdict(list)
    for call in facts.calls:
        calls[call.trace].append(call.arrived)
    for each in facts.asked:
        events = told.get(each.place, ())
        if calls[each.item.trace] and events and events[0].ending != "outcome_unknown":
            # A fenced worker may tell an end again, so that the first one counts.
            late = max(calls[each.item.trace]) - min(event.at for event in events)
            if late > 0:
                yield f"{each} was sent {late:.3f} s after its terminal event"
    for lane in _lanes(facts.asked):
        for before, after in pairwise(lane):
            yield from _too_early(before, after, told.get(before.place, ()), calls[after.item.trace])


def _lanes(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    lanes: defaultdict[tuple[int, bytes], list[Asked]] = defaultdict(list)
    for each in sorted(asked, key=lambda each: each.place):
        if each.item.key is not None:
            lanes[each.place[0], each.item.key].append(each)
    yield from lanes.values()


def _too_early(before: Asked, after: Asked, events: Sequence[Told], calls: Sequence[float]) -> Iterator[str]:
    if not calls:
        return
    if not events:
        yield f"{after} was sent, and {before} of the same key has not ended"
    elif (early := min(event.at for event in events) - min(calls)) > 0:
        yield f"{after} was sent {early:.3f} s before {before} of the same key had ended"
