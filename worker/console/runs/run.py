"""`/runs/ID`: how far a run is, and what became of each letter."""

from collections.abc import Sequence

import htpy as h

from worker.console import words
from worker.console.runs.beginning import begun
from worker.console.runs.plan import NO_PLAN
from worker.console.runs.told import told
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, NotNow, NotShown, NotThere, Page
from worker.console.web.asked import Asked
from worker.console.web.parts import Kind
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.jobs import LookUp, Replay
from worker.console.work.runs import Run, State

SLOWEST, FASTEST = 0.1, 10_000.0
LISTED = 200
KINDS: dict[State, Kind] = {
    "under way": "plain",
    "waiting for the worker": "plain",
    "done": "good",
    "stopped": "wait",
    "taken over": "bad",
    "failed": "bad",
}


async def begin(asked: Asked) -> Answer:
    """Begin the plan's run; there is one, however often it is asked for."""
    desk, name = asked.sources.desk, asked.form.get("plan", "")
    if name in desk.runs.kept:
        return Moved(asked.link(f"/runs/{name}"))
    plan = desk.plans.kept.get(name)
    if plan is None:
        raise NotThere(NO_PLAN)
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
    """Stop the run after the present batch, which is published as a whole; the rest is left as it is."""
    _named(asked).stop()
    return Moved(asked.link(f"/runs/{asked.parts['name']}"))


async def runs(asked: Asked) -> Answer:
    """Answer with the runs of this process. Earlier ones are named in the headers of what they published."""
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
    """Answer with the run; the page is refreshed while it is under way."""
    found = _named(asked)
    body = [
        parts.notice(KINDS[found.state], parts.number("state", found.state, KINDS[found.state]), _why(found)),
        parts.facts((("for", words.told(found.by)), ("began", parts.moment(found.began * 1000)))),
        _steps(found),
        _stopping(asked, found),
        told(asked, found),
    ]
    return Page(f"Run: {found.job.kind}", h.fragment[body], is_fresh=True)


def _why(run: Run) -> h.Node:
    return f": {words.told(run.detail, 500)}" if run.detail else None


def _steps(run: Run) -> h.Node:
    """How far the run is.

    A page of many letters stays as it is; one that waits for one answer reloads when it comes.
    """
    if run.ended is not None:
        return None
    what = run.steps.what if run.state == "under way" else "what becomes of it"
    far = words.how_far(what, run.steps.done, run.steps.total)
    return h.p["Now: ", far] if isinstance(run.job, Replay) and run.job.single is None else parts.waiting("Now: ", far)


def _stopping(asked: Asked, run: Run) -> h.Node:
    if run.ended is not None or isinstance(run.job, LookUp) or not asked.who.may(Right.REPLAY):
        return None
    if run.is_stopping:
        return h.p["It ends after the batch at hand."]
    return h.form(method="post", action=asked.link(f"/runs/{run.name}/stop"))[
        parts.button("Stop after this batch" if run.state == "under way" else "Stop waiting")
    ]


ROUTES = (
    Route("GET", "/runs", Right.VIEW, runs),
    Route("POST", "/runs", Right.REPLAY, begin),
    Route("GET", "/runs/{name}", Right.VIEW, run),
    Route("POST", "/runs/{name}/stop", Right.REPLAY, stop),
)
