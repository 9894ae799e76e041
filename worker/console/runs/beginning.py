"""Begins a run: redirects to it, or names the other run that is under way."""

import htpy as h

from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, Page
from worker.console.web.asked import Asked
from worker.console.work.jobs import Job
from worker.console.work.runs import Busy


async def begun(asked: Asked, name: str, job: Job) -> Answer:
    """Begin the run of that name; a form that is sent twice leads to the same run."""
    desk = asked.sources.desk
    try:
        run = desk.runs.begin(name, job, asked.who.name)
    except Busy as busy:
        there = h.a(href=asked.link(f"/runs/{busy.run.name}"))["that run"]
        return Page("Not now", parts.notice("wait", f"{busy}: ", there, ". Nothing was begun."), 409)
    return Moved(asked.link(f"/runs/{run.name}"))
