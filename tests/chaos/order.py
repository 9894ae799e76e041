"""Whether the records of one key were worked on one after another, by what went through the gate."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from chaos.facts import Asked
from chaos.known import UNKNOWN, Known


def early(known: Known) -> Iterator[str]:
    """No call for a record came before the last one for the record before it, of the same key, was answered.

    Where nobody can know what became of that one, its call may still be on its way when its record is over.
    """
    for before, after in _pairs(known, sent=True):
        last = max(known.calls[before.item.trace], key=lambda call: call.arrived)
        first = min(call.arrived for call in known.calls[after.item.trace])
        if UNKNOWN not in known.endings(before) and first < (last.answered or last.arrived):
            seconds = (last.answered or last.arrived) - first
            yield f"{after} was sent {seconds:.3f} s before the last call for {before} of the same key was answered"


def unsafe(known: Known) -> Iterator[str]:
    """No POST was announced before the outcome of the record before it, of the same key, was safe in the journal.

    Then nothing more is ever sent for that one, whoever dies.
    """
    for before, after in _pairs(known, sent=False):
        announced = known.facts.announced.get(after.place)
        finished = known.facts.finished.get(before.place)
        if finished is None and (after.place[0] in known.facts.cut_journals or before.place in known.facts.expired):
            continue
        if announced is not None and (finished is None or finished > announced):
            yield f"{after} was announced at {announced}, and {before} of the same key finished at {finished}"


def overlaps(known: Known) -> int:
    """How many were sent before the record before them, of the same key, had its terminal event.

    Both clocks are this machine's, and a terminal event has its time from before it was handed to Kafka.
    """
    count = 0
    for before, after in _pairs(known, sent=False):
        calls, ends = known.calls.get(after.item.trace, ()), known.told_of(before)
        count += bool(calls) and (not ends or min(call.arrived for call in calls) < ends[0].at)
    return count


def late(known: Known) -> Iterator[str]:
    """No call came after the record's own end, but where that said that nobody can know: it was on its way then."""
    for each in known.facts.asked:
        calls, ends = known.calls.get(each.item.trace, ()), known.told_of(each)
        if calls and ends and UNKNOWN not in known.endings(each):
            seconds = max(call.arrived for call in calls) - ends[0].at
            if seconds > 0:
                yield f"{each} was sent {seconds:.3f} s after its terminal event"


def _pairs(known: Known, *, sent: bool) -> Iterator[tuple[Asked, Asked]]:
    """Each record with the next one of its key; `sent`: of those alone for which there was a call."""
    lanes: defaultdict[tuple[int, bytes], list[Asked]] = defaultdict(list)
    for each in sorted(known.facts.asked, key=lambda each: each.place):
        if each.item.key is not None and (not sent or each.item.trace in known.calls):
            lanes[each.place[0], each.item.key].append(each)
    for lane in lanes.values():
        yield from pairwise(lane)
