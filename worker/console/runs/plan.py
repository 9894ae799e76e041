"""`/plans/ID`: what a replay would do with each letter, before anything is published."""

import asyncio
from collections.abc import Iterator
from itertools import islice

import htpy as h

from worker.console import words
from worker.console.doubts.settling import selection_of
from worker.console.letters import filter as filters
from worker.console.letters.place import place_in, read
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, NotShown, NotThere, Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.plans import Plan, new_name
from worker.counting import NARROW, counted
from worker.tools.dead_letters.replay import MADE, UNKNOWN
from worker.tools.dead_letters.selection import Selection
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet

LISTED = 100
AT_ONCE = 5_000
MOST = 10_000_000
NO_PLAN = "there is no such plan here (any more). Plan again: whatever was replayed before is left"
"""It may have been run, before the console was begun again or many others were planned."""


async def make(asked: Asked) -> Answer:
    """Make a plan for one letter, or for all letters of an address."""
    selection = await (_of_one(asked) if asked.form.get("place") else _of_all(asked))
    if not len(selection.places):
        raise NotShown("no dead letter fits: there is nothing to be planned")
    query = "" if asked.form.get("place") else asked.link("/letters", **filters.query(asked, upto=asked.one("upto")))
    plan = asked.sources.desk.plans.make(new_name(), selection, asked.who.name, query)
    return Moved(asked.link(f"/plans/{plan.name}"))


async def _of_one(asked: Asked) -> Selection:
    shown, _ = await read(asked, place_in(asked.form["place"]))
    return selection_of(shown.letter, asked.sources.plan.requests)


async def _of_all(asked: Asked) -> Selection:
    """The letters of the list that the person saw, pages further down included, but none that came since."""
    index, upto = asked.sources.desk.index, filters.ends(asked)
    if upto is None:
        raise NotShown("the address does not say up to where its list goes")
    spans = {number: (shelf.low, shelf.high) for number, shelf in index.shelves.items()}
    selection = Selection(PlaceSet(spans))
    rows = index.rows(filters.wanted(asked.query), upto)
    for count, (number, row) in enumerate(islice(rows, _limit(asked))):
        selection.add(Place(number, row.offset), row.request)
        if count % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
    return selection


def _limit(asked: Asked) -> int | None:
    given = asked.form.get("limit", "").strip()
    if not given:
        return None
    if given.isascii() and given.isdigit() and len(given) < 9 and 0 < int(given) <= MOST:
        return int(given)
    raise NotShown(f"the newest so many: a number from 1 to {MOST}")


async def plan(asked: Asked) -> Answer:
    """Answer with the plan; once it is judged it does not change, and may be run for some minutes."""
    found = _named(asked)
    return Page("A replay, planned", h.fragment[_about(asked, found), _body(asked, found)], is_fresh=True)


def _named(asked: Asked) -> Plan:
    if found := asked.sources.desk.plans.kept.get(asked.parts["name"]):
        return found
    raise NotThere(NO_PLAN)


def _about(asked: Asked, plan: Plan) -> h.Node:
    what = h.a(href=plan.filter_query)["this list"] if plan.filter_query else "one letter"
    run = asked.sources.desk.runs.kept.get(plan.name)
    return h.fragment[
        h.p[counted(len(plan.selection.places), "dead letter", gap=NARROW), " of ", what, f", for {plan.by}."],
        parts.notice("good", "It was run: ", h.a(href=asked.link(f"/runs/{plan.name}"))["see the run"])
        if run
        else None,
    ]


def _body(asked: Asked, plan: Plan) -> h.Node:
    match plan.state:
        case "judging":
            steps = plan.steps
            return parts.waiting("Each is judged: ", words.how_far(steps.what, steps.done, steps.total))
        case "failed":
            return parts.notice("bad", f"{plan.trouble}. Nothing was replayed.")
        case "ready":
            return h.fragment[_due(asked, plan), _left(asked, plan)]


def _due(asked: Asked, plan: Plan) -> h.Node:
    reasons = ((reason, parts.text(count)) for reason, count in plan.reasons.most_common())
    return h.fragment[
        h.h2[f"{parts.text(len(plan.due))} would be replayed"],
        parts.table("By their reasons", ("reason", "letters"), reasons, none="None."),
        _places(asked, plan.due),
        _to_run(asked, plan),
    ]


def _to_run(asked: Asked, plan: Plan) -> h.Node:
    if not asked.who.may(Right.REPLAY) or not len(plan.due) or plan.name in asked.sources.desk.runs.kept:
        return None
    if not plan.is_due:
        return parts.notice("wait", "This plan is older than ten minutes: plan again.")
    return h.fragment[
        h.form(method="post", action=asked.link("/runs"))[
            h.input(type="hidden", name="plan", value=plan.name),
            h.label[
                "Letters a second at most (as fast as it goes if empty)",
                h.input(type="text", name="rate", size="6", inputmode="decimal", autocomplete="off"),
            ],
            parts.button(f"Replay {parts.text(len(plan.due))}"),
        ],
        h.p[
            "Each is judged once more right before. The plan is good for another ",
            parts.number("left", parts.age(plan.seconds_left)),
            ".",
        ],
    ]


def _left(asked: Asked, plan: Plan) -> h.Node:
    count = sum(map(len, plan.left.values()))
    if not count:
        return None
    return h.fragment[
        h.h2[f"{parts.text(count)} are left"],
        [
            h.section[
                h.h3[f"{parts.text(len(places))}: {words.left(why)}"],
                h.p[h.a(href=asked.link("/doubts"))["Doubts"]] if why in {MADE, UNKNOWN} else None,
                _places(asked, places),
            ]
            for why, places in sorted(plan.left.items(), key=lambda each: -len(each[1]))
        ],
    ]


def _places(asked: Asked, places: PlaceSet) -> h.Node:
    """Links to the first of these letters."""
    shown = list(islice(each_of(places), LISTED))
    more = len(places) - len(shown)
    return (
        h.details[
            h.summary["Which ones"],
            h.ul(".places")[(h.li[h.a(href=asked.link(f"/letters/{place}"))[str(place)]] for place in shown)],
            h.p[f"and {parts.text(more)} more"] if more > 0 else None,
        ]
        if shown
        else None
    )


def each_of(places: PlaceSet) -> Iterator[Place]:
    """The places by partition, in order."""
    for number, offsets in places.parts.items():
        for first, end in offsets.runs():
            yield from (Place(number, offset) for offset in range(first, end))


ROUTES = (
    Route("POST", "/plans", Right.REPLAY, make, within=60),
    Route("GET", "/plans/{name}", Right.VIEW, plan),
)
