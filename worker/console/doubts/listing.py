"""`/doubts`: events of which nobody knows whether their customer exists, and which of them are settled by now."""

from collections.abc import Sequence
from functools import partial
from itertools import islice

import htpy as h

from worker.console import words
from worker.console.index.wanted import Wanted
from worker.console.letters import filter as filters
from worker.console.letters.listing import A_PAGE, Listed, further, reading
from worker.console.sources import Sources
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.inquiries import Inquiry
from worker.console.work.steps import Steps
from worker.model.outcomes import ReasonCode
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.look_back import LookedBack, look_back
from worker.tools.dead_letters.selection import request_of
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.place import Place

DOUBTS = Wanted(frozenset({ReasonCode.OUTCOME_UNKNOWN.value}))
Lowest = tuple[tuple[int, int], ...]


async def doubts(asked: Asked) -> Answer:
    """Which are open is known once the request topic was read from the oldest of them on."""
    desk, upto = asked.sources.desk, filters.ends(asked)
    if upto is None and desk.index.shelves:
        return Moved(filters.pinned(asked, desk.index.ends()))
    rows = list(islice(desk.index.rows(DOUBTS, upto or {}), A_PAGE + 1))
    shown = await desk.letters([Place(number, row.offset) for number, row in rows[:A_PAGE]])
    lowest = _lowest(rows[:A_PAGE])
    before = (
        await desk.inquiries.ask(("doubts", lowest), partial(_look_back, asked.sources, lowest)) if lowest else None
    )
    body = [
        h.p["The customer of each may exist or not. None is replayed in bulk: settle each by itself."],
        reading(desk),
        h.p[h.a(href=asked.link("/doubts"))["Show the newest"]],
        _progress(before),
        _table(asked, rows[:A_PAGE], shown, before.answer if before else None),
        further(asked, upto or {}, rows),
    ]
    return Page("Doubts", h.fragment[body], is_fresh=before is not None and before.ended is None)


def _lowest(rows: Sequence[Listed]) -> Lowest:
    found: dict[int, int] = {}
    for _, row in rows:
        if request := row.request:
            found[request.partition] = min(request.offset, found.get(request.partition, request.offset))
    return tuple(sorted(found.items()))


async def _look_back(sources: Sources, lowest: Lowest, steps: Steps) -> LookedBack:
    found = await topics(sources.plan, sources.connection, steps.progress)
    return await look_back(found, dict(lowest))


def _progress(before: Inquiry[LookedBack] | None) -> h.Node:
    if before is None or before.answer:
        return None
    if before.trouble:
        return parts.notice("bad", f"Which are open is not known: {before.trouble}.")
    return parts.waiting(
        "Which are open is being read: ", words.how_far(before.steps.what, before.steps.done, before.steps.total)
    )


def _table(asked: Asked, rows: Sequence[Listed], shown: dict[Place, Letter], before: LookedBack | None) -> h.Node:
    columns = ("doubt", "since", "state", "event", "of the source", "why")
    places = (Place(number, row.offset) for number, row in rows)
    listed = (_row(asked, shown[place], before) for place in places if place in shown)
    return parts.table("Doubts, the newest first", columns, listed, none="There is no doubt.")


def _row(asked: Asked, letter: Letter, before: LookedBack | None) -> Sequence[h.Node]:
    return (
        h.a(href=asked.link(f"/letters/{letter.place}"))[str(letter.place)],
        words.moment(letter.timestamp),
        state(letter, asked.sources.plan.requests, before),
        words.told(letter.event_id) or "",
        words.told(letter.event_source) or "",
        words.why(letter),
    )


def state(letter: Letter, requests: str, before: LookedBack | None) -> h.Node:
    """What was done about it, as the request topic tells."""
    if before is None:
        return parts.NOT_TOLD
    if resolution := before.resolved.of(letter):
        return f"resolved as {resolution.at}"
    if request_of(letter, requests) in before.replayed:
        return "replayed"
    return h.strong({"data-kind": "bad"})["open"]


ROUTES = (Route("GET", "/doubts", Right.VIEW, doubts),)
