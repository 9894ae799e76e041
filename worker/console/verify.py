"""`/verify`: judges on request whether every committed request ended as promised."""

from collections.abc import Iterable

import htpy as h

from worker.console import words
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.verifying import Verifying
from worker.counting import NARROW, counted
from worker.tools.verification.report import Finding, Report


async def verify(asked: Asked) -> Answer:
    """Answer with the last report, or how far the next one is."""
    found = asked.sources.verifying
    body = [
        h.p["Reads the topics and judges every committed request; nothing is changed."],
        _under_way(found) if found.is_under_way else _again(asked),
        parts.notice("bad", f"It could not be judged: {found.trouble}.") if found.trouble else None,
        _report(found.report, found.ended) if found.report else None,
        parts.empty("Nothing was verified yet.") if not (found.report or found.trouble or found.task) else None,
    ]
    return Page("Verify", h.fragment[body], is_fresh=True)


async def begin(asked: Asked) -> Answer:
    """Begin a verification, unless one is under way."""
    asked.sources.verifying.begin()
    return Moved(asked.link("/verify"))


def _again(asked: Asked) -> h.Node:
    return h.form(method="post", action=asked.link("/verify"))[parts.button("Verify now")]


def _under_way(found: Verifying) -> h.Node:
    return parts.waiting("Under way: ", words.how_far(found.steps.what, found.steps.done, found.steps.total))


def _report(report: Report, ended: float | None) -> h.Node:
    sentence = "It holds: every committed request ended once." if report.holds else "It does not hold."
    if report.holds and not report.judges:
        sentence = f"Nothing was judged: {report.judged}."
    kind: parts.Kind = "bad" if not report.holds else "good" if report.judges else "wait"
    in_flight = sum(each.in_flight for each in report.parts)
    return h.fragment[
        parts.notice(kind, sentence),
        parts.facts(
            (
                ("judged", parts.moment(ended * 1000) if ended else None),
                ("succeeded", parts.text(report.succeeded)),
                ("failed", parts.text(report.failed)),
                ("passed over by the mapping", parts.text(report.passed_over) if report.passed_over else None),
                ("not committed yet", counted(in_flight, "offset", gap=NARROW)),
                *((f"none of ours in {topic}", parts.text(count)) for topic, count in report.foreign.items()),
            )
        ),
        _findings("What was found", report.findings),
        _findings("What could not be judged", report.not_judged),
        _parts(report),
    ]


def _findings(title: str, findings: Iterable[Finding]) -> h.Node:
    rows = [(parts.text(each.count), each.what, words.told(", ".join(each.places), 2000)) for each in findings]
    return [h.h2[title], parts.table(title, ("count", "what", "where"), rows, none="")] if rows else None


def _parts(report: Report) -> h.Node:
    rows = [
        (str(each.partition), f"{each.first} to {each.end - 1}" if each.end > each.first else "nothing", each.in_flight)
        for each in report.parts
    ]
    title = "Offsets that were judged"
    return [h.h2[title], parts.table(title, ("partition", "offsets", "in flight"), rows, none="No partition is there.")]


ROUTES = (Route("GET", "/verify", Right.VIEW, verify), Route("POST", "/verify", Right.VIEW, begin))
