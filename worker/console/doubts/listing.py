"""`/doubts`: the events whose customer may or may not exist, and which of them are settled by now."""

from collections.abc import Mapping, Sequence
from functools import partial

import htpy as h

from worker.console import words
from worker.console.index.lists import Listed
from worker.console.index.wanted import Wanted
from worker.console.letters import filter as filters
from worker.console.letters.listing import A_PAGE, further, reading
from worker.console.sources import Sources
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.inquiries import Inquiry
from worker.console.work.steps import Steps
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.look_back import LookedBack, look_back
from worker.tools.dead_letters.selection import Selection, request_of
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

DOUBTS = Wanted(doubts=True)
OPEN = "open"
States = Mapping[Place, str]


async def doubts(asked: Asked) -> Answer:
    """Answer with the newest doubts. Their states are known once the request topic was read from the oldest on."""
    desk = asked.sources.desk
    upto = filters.begun(asked, desk.index.ends())
    if isinstance(upto, Moved):
        return upto
    rows = desk.rows(DOUBTS, "/doubts", upto, A_PAGE + 1)
    shown = await desk.letters(rows[:A_PAGE])
    about = ("doubts", *shown), partial(_states, asked.sources, list(shown.values()))
    states = await desk.inquiries.ask(*about) if shown else None
    body = [
        h.p["The customer of each may exist or not. None is replayed in bulk: settle each by itself."],
        reading(desk),
        h.p[h.a(href=asked.link("/doubts"))["Show the newest"]],
        _progress(states),
        _table(asked, rows[:A_PAGE], shown, (states and states.answer) or {}),
        further(asked, upto, rows),
    ]
    is_sought = states is not None and states.ended is None
    return Page("Doubts", h.fragment[body], is_fresh=is_sought or not desk.index.is_read)


async def _states(sources: Sources, letters: Sequence[Letter], steps: Steps) -> States:
    """The state of each letter, by the request topic from the oldest letter's record on."""
    found = await topics(sources.plan, sources.connection, steps.progress)
    selection = Selection(PlaceSet({}))
    for each in letters:
        selection.add(each.place, request_of(each, found.plan.requests))
    before = await look_back(found, selection.lowest)
    return {each.place: _state(each, found.plan.requests, before) for each in letters}


def _state(letter: Letter, requests: str, before: LookedBack) -> str:
    if resolution := before.resolved.of(letter):
        return f"resolved as {resolution.at}"
    return "replayed" if request_of(letter, requests) in before.replayed else OPEN


def _progress(states: Inquiry[States] | None) -> h.Node:
    if states is None:
        return None
    if states.answer:
        return parts.as_of(states.at)
    if states.trouble:
        return parts.notice("bad", f"Which are open is not known: {states.trouble}.")
    return parts.waiting(
        "Which are open is being read: ", words.how_far(states.steps.what, states.steps.done, states.steps.total)
    )


def _table(asked: Asked, rows: Sequence[Listed], shown: Mapping[Place, Letter], states: States) -> h.Node:
    columns = ("doubt", "since", "state", "event", "of the source", "why")
    places = (Place(number, row.offset) for number, row in rows)
    listed = (_row(asked, shown[place], states.get(place)) for place in places if place in shown)
    none = "There is no doubt." if asked.sources.desk.index.is_complete else "There is none among those that are read."
    return parts.table("Doubts, the newest first", columns, listed, none=none)


def _row(asked: Asked, letter: Letter, state: str | None) -> Sequence[h.Node]:
    return (
        h.a(href=asked.link(f"/letters/{letter.place}"))[str(letter.place)],
        words.moment(letter.timestamp),
        h.strong({"data-kind": "bad"})[state] if state == OPEN else parts.text(state),
        words.told(letter.event_id) or "",
        words.told(letter.event_source) or "",
        words.why(letter),
    )


ROUTES = (Route("GET", "/doubts", Right.VIEW, doubts),)
