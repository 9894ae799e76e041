"""`/events`: one event's life, found by source and id: records, attempts, results and dead letters."""

from collections.abc import Iterator
from functools import partial

import htpy as h

from worker.console import words
from worker.console.sources import Sources
from worker.console.web import parts
from worker.console.web.answers import Answer, NotShown, Page
from worker.console.web.asked import Asked
from worker.console.web.parts import Kind
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.inquiries import Inquiry
from worker.console.work.steps import Steps
from worker.events.results import SUCCEEDED
from worker.journal.entries import Entry, Finished, Intent, Released
from worker.model.commands import Request
from worker.model.outcomes import Outcome, Succeeded
from worker.tools.journal.view import Line
from worker.tools.life import reading
from worker.tools.life.life import Life, Published
from worker.tools.reading.place import Place

LONGEST = 1024
HAPPENINGS = 1_000
CUSTOMERS: dict[str | None, tuple[str, Kind]] = {
    "created": ("Its customer was created.", "good"),
    "confirmed": ("A person confirmed which customer it has.", "good"),
    "unknown": ("Nobody knows whether its customer exists.", "bad"),
    "not_created": ("No customer was created for it.", "wait"),
}
Row = tuple[int | None, Place, h.Node, h.Node]


async def events(asked: Asked) -> Answer:
    """Answer with the form, and the life of the event that it names."""
    source, id_ = asked.one("source"), asked.one("id")
    if source is None or id_ is None:
        return Page("Events", h.fragment[_form(source, id_), parts.empty("Name an event by its source and its id.")])
    if max(len(source), len(id_)) > LONGEST:
        raise NotShown(f"a source and an id have at most {LONGEST} characters")
    found = await asked.sources.desk.inquiries.ask(
        ("event", source, id_), partial(_life, asked.sources, Request(source, id_))
    )
    # What is found is shown as it is: kept fresh, the journal would be read again and again for every open tab.
    return Page("Events", h.fragment[_form(source, id_), _found(asked, found)], is_fresh=found.ended is None)


async def _life(sources: Sources, request: Request, steps: Steps) -> Life:
    return await reading.life(sources.settings, request, steps.progress)


def _form(source: str | None, id_: str | None) -> h.Node:
    return h.form(method="get", role="search")[
        h.label["Source", h.input(name="source", value=source or "", maxlength=LONGEST, required=True, size=30)],
        h.label["Id", h.input(name="id", value=id_ or "", maxlength=LONGEST, required=True, size=40)],
        parts.button("Show its life"),
    ]


def _found(asked: Asked, inquiry: Inquiry[Life]) -> h.Node:
    if inquiry.trouble:
        return parts.notice("bad", f"It cannot be told: {inquiry.trouble}.")
    if inquiry.answer is None:
        return parts.waiting("Reading: ", words.how_far(inquiry.steps.what, inquiry.steps.done, inquiry.steps.total))
    found = inquiry.answer
    if not found.records:
        return parts.empty(_unknown(asked.sources))
    sentence, kind = concluded(found)
    told = parts.notice(kind, sentence), parts.as_of(inquiry.at)
    return h.fragment[told, _records(asked, found), _story(asked, found), _unsearched(found)]


def concluded(found: Life) -> tuple[str, Kind]:
    """What is known of the event's customer, in one sentence."""
    if found.exists:
        return "The API said that it made its customer, and nobody knows under which id.", "bad"
    return CUSTOMERS.get(found.customer, ("What became of it is not told.", "wait"))


def _unknown(sources: Sources) -> str:
    if not sources.settings.journal.enabled:
        return "The journal is switched off (WORKER_JOURNAL__ENABLED): nothing is known of single events."
    return "The journal knows nothing of it: it was never begun, or is older than what the journal keeps."


def _records(asked: Asked, found: Life) -> h.Node:
    """One row for each record that was this event; of very many for the first and the last ones."""
    letters = {each.request: each.letter for each in found.published if each.letter}
    rows = [
        (
            str(place),
            outcome(record.outcome) if record.outcome else "not ended",
            parts.text(record.outcome.attempts if record.outcome else record.attempts),
            h.a(href=asked.link(f"/letters/{letters[place]}"))[str(letters[place])] if place in letters else "",
        )
        for place, record in ((place, found.records[place]) for place in found.listed)
    ]
    columns = ("record", "ended as", "attempts", "dead letter")
    table = parts.table("Records of the requests that were this event", columns, rows, none="")
    return [h.h2["Its records"], table, parts.more(len(found.records) - len(rows), "record", "between these")]


def outcome(ended: Outcome) -> str:
    """The outcome in a few words, without anything of the customer but the id."""
    if isinstance(ended, Succeeded):
        return f"{ended.resolution.replace('_', ' ')}: customer {words.told(ended.customer_id)}"
    return f"failed, {ended.reason.code.value}: {words.told(ended.reason.message)}"


def _story(asked: Asked, found: Life) -> h.Node:
    """All that is known of the listed records, by time; the times come from brokers' and producers' clocks."""
    rows = sorted(_rows(asked, found), key=lambda row: row[0] or 0)
    columns = ("when", "record", "what", "where")
    told = [(_when(time), str(place), what, where) for time, place, what, where in rows[:HAPPENINGS]]
    table = parts.table("Everything that is known, in its order", columns, told, none="")
    return [h.h2["Its life"], table, parts.more(len(rows) - HAPPENINGS, "happening")]


def _when(time: int | None) -> h.Node:
    return parts.NOT_TOLD if time is None else words.moment(time)


def _rows(asked: Asked, found: Life) -> Iterator[Row]:
    plan, listed = asked.sources.plan, set(found.listed)
    for place, time in found.written.items():
        what = "written to the requests" if time is not None else "deleted from the requests since"
        yield time, place, what, f"{plan.requests} {place}"
    for place, line in (each for each in found.entries if each[0] in listed):
        yield line.time, place, _entry(line), f"{plan.journal} {place.partition}@{line.position}"
    for each in found.published:
        yield each.time, each.request, _published(asked, each), f"{each.topic} {each.place}"


def _entry(line: Line) -> str:
    return f"{_told(line.entry)}, by {line.key.writer}"


def _told(entry: Entry) -> str:
    match entry:
        case Intent(attempt):
            return f"about to be sent, attempt {attempt}"
        case Released():
            return "certainly not created by that attempt"
        case Finished(ended):
            return f"ended: {outcome(ended)}"
        case _:
            return entry.state


def _published(asked: Asked, each: Published) -> h.Node:
    if each.type == SUCCEEDED:
        return "published as succeeded"
    if each.letter is None:
        return "published as failed"
    return ["published as failed, with dead letter ", h.a(href=asked.link(f"/letters/{each.letter}"))[str(each.letter)]]


def _unsearched(found: Life) -> h.Node:
    if not found.unsearched:
        return None
    topics = " and ".join(found.unsearched)
    return parts.notice("wait", f"The search for its results ended before the end of {topics}: more may be there.")


ROUTES = (Route("GET", "/events", Right.VIEW, events),)
