"""Whether the records of one key were worked on one after another, by what went through the gate."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from chaos.facts import Asked
from chaos.known import UNKNOWN, Known


def early(known: Known) -> Iterator[str]:
    """No call for a record came before the record before it, of the same key, had its terminal event.

    Both clocks are this machine's, and a terminal event has its time from before it was handed to Kafka.
    """
    for lane in _lanes(known.facts.asked):
        for before, after in pairwise(lane):
            calls, ends = known.calls.get(after.item.trace, ()), known.told_of(before)
            if calls and not ends:
                yield f"{after} was sent, and {before} of the same key has not ended"
            elif calls and (seconds := ends[0].at - min(call.arrived for call in calls)) > 0:
                yield f"{after} was sent {seconds:.3f} s before {before} of the same key had ended"


def late(known: Known) -> Iterator[str]:
    """No call came after the record's own end, but where that said that nobody can know: it was on its way then."""
    for each in known.facts.asked:
        calls, ends = known.calls.get(each.item.trace, ()), known.told_of(each)
        if calls and ends and UNKNOWN not in known.endings(each):
            seconds = max(call.arrived for call in calls) - ends[0].at
            if seconds > 0:
                yield f"{each} was sent {seconds:.3f} s after its terminal event"


def _lanes(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    lanes: defaultdict[tuple[int, bytes], list[Asked]] = defaultdict(list)
    for each in sorted(asked, key=lambda each: each.place):
        if each.item.key is not None:
            lanes[each.place[0], each.item.key].append(each)
    yield from lanes.values()
