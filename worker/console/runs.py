"""`/runs/ID`: how far a run is, and what became of each letter."""

from collections.abc import Iterable, Sequence
from typing import assert_never

import htpy as h

from worker.console import doubt, words
from worker.console.beginning import begun
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, NotNow, NotShown, NotThere, Page
from worker.console.web.asked import Asked
from worker.console.web.parts import Kind
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.ends import Ends, became
from worker.console.work.jobs import LookUp, Replay, Resolve
from worker.console.work.runs import Run, State
from worker.tools.dead_letters.following import Ending
from worker.tools.dead_letters.replaying import Found, Left, Replayed, Result
from worker.tools.reading.place import Place

SLOWEST, FASTEST = 0.1, 10_000.0
LISTED = 200
KINDS: dict[State, Kind] = {
    "under way": "plain",
    "done": "good",
    "stopped": "wait",
    "taken over": "bad",
    "failed": "bad",
}


async def begin(asked: Asked) -> Answer:
    """The plan's own run: however often it is asked for, there is one."""
    desk, name = asked.sources.desk, asked.form.get("plan", "")
    if name in desk.runs.kept:
        return Moved(asked.link(f"/runs/{name}"))
    plan = desk.plans.kept.get(name)
    if plan is None:
        raise NotThere("there is no such plan (any more): nothing was replayed, plan again")
    if not plan.is_due:
        raise NotNow("this plan cannot be run (any more): it is good for ten minutes. Nothing was replayed, plan again")
    job = Replay(asked.sources.settings, plan.to_run(), _rate(asked.form.get("rate", "").strip()))
    return await begun(asked, name, job)


def _rate(text: str) -> float | None:
    if not text:
        return None
    digits = text.replace(".", "", 1)
    rate = float(text) if digits.isascii() and digits.isdigit() and len(text) < 10 else 0.0
    if not SLOWEST <= rate <= FASTEST:
        raise NotShown(f"letters a second: a number from {SLOWEST:g} to {FASTEST:g}")
    return rate


async def stop(asked: Asked) -> Answer:
    """The batch at hand is published as a whole; what is not reached stays as it is."""
    _named(asked).stop()
    return Moved(asked.link(f"/runs/{asked.parts['name']}"))


async def runs(asked: Asked) -> Answer:
    """Those of this process; what each has published says so itself, for as long as the request topic keeps it."""
    kept = reversed(asked.sources.desk.runs.kept.values())
    rows = (_listed(asked, run) for run in kept)
    listed = parts.table("Runs, the newest first", ("run", "what", "for", "began", "state"), rows, none="None so far.")
    told = h.p["Since this console was started. A replayed record says by which run and for whom, in its headers."]
    return Page("Runs", h.fragment[told, listed], is_fresh=True)


def _listed(asked: Asked, run: Run) -> Sequence[h.Node]:
    return (
        h.a(href=asked.link(f"/runs/{run.name}"))[run.name],
        run.job.kind,
        words.told(run.by),
        parts.moment(run.began * 1000),
        parts.number(f"state-{run.name}", run.state, KINDS[run.state]),
    )


def _named(asked: Asked) -> Run:
    if found := asked.sources.desk.runs.kept.get(asked.parts["name"]):
        return found
    raise NotThere("there is no such run here (any more): what it replayed says so in its headers")


async def run(asked: Asked) -> Answer:
    """Refreshed while it is under way."""
    found = _named(asked)
    body = [
        parts.notice(KINDS[found.state], parts.number("state", found.state, KINDS[found.state]), _why(found)),
        parts.facts(
            (("for", words.told(found.by)), ("began", parts.moment(found.began * 1000)), ("now", _steps(found)))
        ),
        _stopping(asked, found),
        _of(asked, found),
    ]
    return Page(f"Run: {found.job.kind}", h.fragment[body], is_fresh=True)


def _why(run: Run) -> h.Node:
    return f": {words.told(run.detail, 500)}" if run.detail else None


def _steps(run: Run) -> h.Node:
    if run.state != "under way":
        return None
    return words.how_far(run.steps.what, run.steps.done, run.steps.total)


def _stopping(asked: Asked, run: Run) -> h.Node:
    if run.state != "under way" or not asked.who.may(Right.REPLAY):
        return None
    if run.is_stopping:
        return h.p["It ends after the batch at hand."]
    return h.form(method="post", action=asked.link(f"/runs/{run.name}/stop"))[parts.button("Stop after this batch")]


def _of(asked: Asked, run: Run) -> h.Node:
    match run.job:
        case Replay():
            return _replay(asked, run.job)
        case LookUp():
            return _look_up(asked, run.job)
        case Resolve():
            return _resolve(asked, run.job)
        case _:
            raise NotThere("there is no page of such a run")


def _replay(asked: Asked, job: Replay) -> h.Node:
    left = ((words.left(why), parts.number(f"left-{why}", count)) for why, count in job.left.most_common())
    pace = f"{job.rate:g} a second at most" if job.rate else "as fast as it goes"
    return h.fragment[
        parts.facts(
            (
                ("letters", parts.text(job.total)),
                ("replayed", parts.number("replayed", job.replayed)),
                ("left", parts.number("left", job.left.total())),
                ("pace", pace),
            )
        ),
        parts.table("Left, and why", ("why", "letters"), left, none="None is left.") if job.left else None,
        _ends(job.ends),
        _each(asked, job),
    ]


def _ends(ends: Ends) -> h.Node:
    rows = ((words.told(how), parts.number(f"end-{how}", count)) for how, count in ends.counted.most_common())
    return h.fragment[
        h.h2["What became of them"],
        h.p["The worker has not ended ", parts.number("awaited", len(ends.awaited)), " of them yet."],
        parts.table("Ends that the worker announced", ("end", "letters"), rows, none="None has ended so far."),
    ]


def _each(asked: Asked, job: Replay) -> h.Node:
    ended = {ending.letter: ending for ending in job.ends.told}
    rows = (_one(asked, result, ended.get(result.letter.place)) for result in job.listed[:LISTED])
    more = job.replayed + job.left.total() - LISTED
    return h.fragment[
        parts.table("Each letter", ("letter", "replayed as", "what became of it"), rows, none="None so far."),
        h.p[f"and {parts.text(more)} more"] if more > 0 else None,
    ]


def _one(asked: Asked, result: Result, ending: Ending | None) -> Sequence[h.Node]:
    link = h.a(href=asked.link(f"/letters/{result.letter.place}"))[str(result.letter.place)]
    match result:
        case Replayed(_, at):
            return link, f"{at.partition}@{at.offset}", h.fragment[_became(asked, ending)]
        case Found(_, customer_id):
            return link, "", f"left: its customer exists, {words.told(customer_id)}"
        case Left(_, why):
            return link, "", f"left: {words.left(why)}"
        case _:
            assert_never(result)


def _became(asked: Asked, ending: Ending | None) -> Iterable[h.Node]:
    """With the letter that a new failure has, where it names one."""
    if ending is None:
        return ["not ended yet"]
    customer, dead = ending.data.get("customerId"), ending.data.get("deadLetter")
    told: list[h.Node] = [words.told(became(ending))]
    if isinstance(customer, str):
        told.append(f", customer {words.told(customer)}")
    if isinstance(dead, dict) and isinstance(dead.get("partition"), int) and isinstance(dead.get("offset"), int):
        place = Place(dead["partition"], dead["offset"])
        told += [", dead letter ", h.a(href=asked.link(f"/letters/{place}"))[str(place)]]
    return told


def _look_up(asked: Asked, job: LookUp) -> h.Node:
    link = h.a(href=asked.link(f"/letters/{job.place}"))[str(job.place)]
    known = parts.notice("good", f"Nothing is to be done: {words.left(job.known)}.") if job.known else None
    return h.fragment[h.p["The doubt ", link, "."], known or doubt.after_look_up(asked, job)]


def _resolve(asked: Asked, job: Resolve) -> h.Node:
    link = h.a(href=asked.link(f"/letters/{job.place}"))[str(job.place)]
    resolved = job.resolved
    at = f"{resolved.at}{', told before' if resolved.before else ''}" if resolved else None
    ends = job.ends.told
    return h.fragment[
        parts.facts(
            (
                ("doubt", link),
                ("customer", words.told(job.word.customer_id)),
                ("told the worker as", at),
                ("what became of it", h.fragment[_became(asked, ends[0])] if ends else None),
            )
        )
    ]


ROUTES = (
    Route("GET", "/runs", Right.VIEW, runs),
    Route("POST", "/runs", Right.REPLAY, begin),
    Route("GET", "/runs/{name}", Right.VIEW, run),
    Route("POST", "/runs/{name}/stop", Right.REPLAY, stop),
)
