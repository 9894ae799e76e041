"""Shows what a run has done so far, and what became of each letter."""

from collections.abc import Iterable, Sequence
from typing import assert_never

import htpy as h

from worker.console import words
from worker.console.doubts import forms as doubt
from worker.console.web import parts
from worker.console.web.answers import NotThere
from worker.console.web.asked import Asked
from worker.console.work.ends import Became, Ends
from worker.console.work.jobs import LISTED, LookUp, Replay, Resolve
from worker.console.work.runs import Run
from worker.tools.dead_letters.results import Found, Left, Replayed, Result


def told(asked: Asked, run: Run) -> h.Node:
    match run.job:
        case Replay():
            return _replay(asked, run.job, waits=run.ended is None)
        case LookUp():
            return _look_up(asked, run.job, waits=run.ended is None)
        case Resolve():
            return _resolve(asked, run.job, waits=run.ended is None)
        case _:
            raise NotThere("there is no page of such a run")


def _replay(asked: Asked, job: Replay, *, waits: bool) -> h.Node:
    """`waits`: the run still looks for ends; afterwards nobody knows what became of the other letters."""
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
        _ends(job.ends, waits=waits),
        _each(asked, job, waits=waits),
    ]


def _ends(ends: Ends, *, waits: bool) -> h.Node:
    rows = ((words.told(how), parts.number(f"end-{how}", count)) for how, count in ends.counted.most_common())
    return h.fragment[
        h.h2["What became of them"],
        h.p[
            "The worker has not ended " if waits else "When this run ended the worker had not ended ",
            parts.number("awaited", len(ends.awaited)),
            " of them yet." if waits else " of them.",
        ],
        parts.table("Ends that the worker announced", ("end", "letters"), rows, none="None has ended so far."),
    ]


def _each(asked: Asked, job: Replay, *, waits: bool) -> h.Node:
    ends = job.ends.told
    rows = (_one(asked, each, _became(asked, ends.get(each.letter.place), waits=waits)) for each in job.listed)
    more = job.replayed + job.left.total() - LISTED
    return h.fragment[
        parts.table("Each letter", ("letter", "replayed as", "what became of it"), rows, none="None so far."),
        h.p[f"and {parts.text(more)} more"] if more > 0 else None,
    ]


def _one(asked: Asked, result: Result, became: Iterable[h.Node]) -> Sequence[h.Node]:
    link = h.a(href=asked.link(f"/letters/{result.letter.place}"))[str(result.letter.place)]
    match result:
        case Replayed(_, at):
            return link, f"{at.partition}@{at.offset}", h.fragment[became]
        case Found(_, customer_id):
            return link, "", f"left: its customer exists, {words.told(customer_id)}"
        case Left(_, why):
            return link, "", f"left: {words.left(why)}"
        case _:
            assert_never(result)


def _became(asked: Asked, end: Became | None, *, waits: bool) -> Iterable[h.Node]:
    """What became of the letter; a new failure's dead letter is linked. `waits`: the run still looks for ends."""
    if end is None:
        return ["not ended yet" if waits else "not ended when this run ended"]
    told: list[h.Node] = [words.told(end.how)]
    if end.customer_id:
        told.append(f", customer {words.told(end.customer_id)}")
    if end.dead:
        told += [", dead letter ", h.a(href=asked.link(f"/letters/{end.dead}"))[str(end.dead)]]
    return told


def _look_up(asked: Asked, job: LookUp, *, waits: bool) -> h.Node:
    """What was found, and what can be done about it: not before the run has ended, as until then no other may begin."""
    link = h.a(href=asked.link(f"/letters/{job.place}"))[str(job.place)]
    known = parts.notice("good", f"Nothing is to be done: {words.left(job.known)}.") if job.known else None
    found = None if waits else doubt.after_look_up(asked, job)
    return h.fragment[h.p["The doubt ", link, "."], known or found]


def _resolve(asked: Asked, job: Resolve, *, waits: bool) -> h.Node:
    link = h.a(href=asked.link(f"/letters/{job.place}"))[str(job.place)]
    resolved = job.resolved
    at = f"{resolved.at}{', told before' if resolved.before else ''}" if resolved else None
    became = _became(asked, job.ends.told.get(job.place), waits=waits)
    return h.fragment[
        parts.facts(
            (
                ("doubt", link),
                ("customer", words.told(job.word.customer_id)),
                ("told the worker as", at),
                ("what became of it", h.fragment[became] if resolved and not resolved.before else None),
            )
        )
    ]
