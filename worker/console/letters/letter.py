"""`/letters/P@O`: why a letter failed, what would become of it today, what is known of it, what can be done."""

from collections.abc import Iterable
from functools import partial

import htpy as h
import structlog

from worker.console import words
from worker.console.doubts import forms as doubt
from worker.console.letters.place import read
from worker.console.web import parts
from worker.console.web.answers import Answer, Page
from worker.console.web.asked import Asked
from worker.console.web.parts import Kind
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.work.inquiries import Inquiry
from worker.console.work.steps import Steps
from worker.counting import counted
from worker.model.records import Record
from worker.tools.dead_letters.letters import Json, Letter
from worker.tools.dead_letters.received import Lacking
from worker.tools.dead_letters.shown import Shown
from worker.tools.dead_letters.topic import Topics
from worker.tools.journal.view import event_text

log = structlog.get_logger()
RULES = 100
VERDICTS: dict[bool | None, tuple[Kind, str]] = {
    True: ("good", "It would be valid today"),
    False: ("plain", "It would not be valid today"),
    None: ("plain", "It cannot be told"),
}
PASSED_OVER: tuple[Kind, str] = ("plain", "It would be passed over today, by the mapping's rule")
LINES = 500
"""Of the journal: a producer may give all its events the same id."""
HEADERS = 100
"""That are told: a record may have a hundred thousand, and whoever looks at it asks every two seconds."""


async def letter(asked: Asked) -> Answer:
    """Answer with all about the letter; what takes long to read is shown as far as it is known by now."""
    shown, record = await read(asked)
    whole = await shown.whole(record)
    ours, is_known = await _ours(asked, shown, whole) if shown.letter.reason else (None, True)
    body = [
        _facts(shown.letter, shown.headers(record)),
        _rules(shown.letter),
        ours,
        _to_plan(asked, shown.letter),
        _to_payload(asked),
    ]
    return Page(f"Dead letter {shown.letter.place}", h.fragment[body], is_fresh=not is_known)


async def _ours(asked: Asked, shown: Shown, whole: Record | Lacking) -> tuple[h.Node, bool]:
    """What only a letter of ours tells, and whether all of it is known by now; another one's topics are not read."""
    later = await asked.sources.desk.inquiries.ask(("letter", shown.letter.place), partial(_later, shown, whole))
    told = [_today(await shown.today(whole)), _known(later), doubt.section(asked, shown.letter, later.answer)]
    return told, later.ended is not None


async def _later(shown: Shown, whole: Record | Lacking, steps: Steps) -> Json:
    """What the request topic and the journal tell, each read from the letter's record on."""
    found = shown.found
    watched = Shown(
        shown.settings,
        Topics(found.plan, found.connection, found.dead_letters, found.requests, steps.progress),
        shown.letter,
    )
    return await watched.afterwards() | {"journal": await watched.journal(whole)}


def _facts(letter: Letter, told: Json) -> h.Node:
    request = told.get("request")
    where = f"{words.told(request['topic'])} {request['partition']}@{request['offset']}" if request else None
    first, more = told["headers"][:HEADERS], len(told["headers"]) - HEADERS
    headers = [f"{words.told(each['name'], 100)} ({counted(each['bytes'], 'byte')})" for each in first]
    headers += [f"and {more} more"] if more > 0 else []
    return parts.facts(
        (
            ("reason", letter.called),
            ("why", words.why(letter) or None),
            ("the API said", words.answer(letter.status, letter.error_code) or None),
            ("event", words.told(letter.event_id)),
            ("of the source", words.told(letter.event_source)),
            ("record", where),
            ("written", words.moment(letter.timestamp)),
            ("first seen", words.told(letter.first_seen)),
            ("attempts", parts.text(letter.attempts) if letter.attempts is not None else None),
            ("replays before", parts.text(letter.replays)),
            ("worker version", words.told(letter.version)),
            ("payload", "left out" if letter.omitted else "in the letter"),
            ("producer's headers", h.ul[(h.li[each] for each in headers)] if headers else None),
        )
    )


def _rules(letter: Letter) -> h.Node:
    return _violations("Broken rules", letter.violations)


def _violations(title: str, violations: Iterable[Json]) -> h.Node:
    listed = list(violations)
    if not listed:
        return None
    rows = ([words.told(each.get("path", ""), 500), *_rule(each)] for each in listed[:RULES])
    return h.fragment[
        h.h2[title],
        parts.table(f"{title}, in the order of the document", ("where", "rule", "limit"), rows, none=""),
        h.p[f"and {len(listed) - RULES} more"] if len(listed) > RULES else None,
    ]


def _rule(violation: Json) -> tuple[str, str]:
    """A violation's rule and limit. Allowed values are part of the rule, and nothing of the customer's."""
    allowed = violation.get("allowed")
    limit = (
        violation.get("limit") if allowed is None else ", ".join(map(str, allowed)) if _is_list(allowed) else allowed
    )
    return words.told(violation.get("rule", "")) or "", words.told("" if limit is None else str(limit)) or ""


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _today(told: Json) -> h.Node:
    """What would become of it today, by the rules and settings of this console."""
    kind, what = PASSED_OVER if "passedOver" in told else VERDICTS[told["valid"]]
    why = ": ".join(str(told[name]) for name in ("passedOver", "reason", "why", "unchecked") if name in told)
    return h.fragment[
        h.h2["Today"],
        parts.notice(kind, f"{what}{f': {words.told(why)}' if why else ''}."),
        _violations("Rules that it breaks today", told.get("violations", [])),
    ]


def _known(later: Inquiry[Json]) -> h.Node:
    """Where it was replayed or resolved, and what the journal knows."""
    title = h.h2["What is known of it"]
    if later.answer is None:
        return h.fragment[title, parts.notice("bad", f"{later.trouble}.") if later.trouble else _reading(later.steps)]
    answer = later.answer
    journal = answer["journal"]
    text = journal if isinstance(journal, str) else event_text(journal)
    lines = text.split("\n")
    return h.fragment[
        title,
        parts.as_of(later.at),
        parts.facts(
            (
                ("replayed as", answer.get("replayedAs") or "not replayed, as far as the request topic tells"),
                ("resolved as", answer.get("resolvedAs")),
            )
        ),
        h.h3["The journal"],
        h.pre["\n".join(words.told(line, 500) or "" for line in lines[:LINES])],
        parts.more(len(lines) - LINES, "line"),
    ]


def _reading(steps: Steps) -> h.Node:
    return parts.waiting("Being read: ", words.how_far(steps.what, steps.done, steps.total))


def _to_plan(asked: Asked, letter: Letter) -> h.Node:
    """The form for a plan of its replay; not for a doubt, which has forms of its own."""
    if not asked.who.may(Right.REPLAY) or letter.reason is None or letter.is_doubt:
        return None
    return h.fragment[
        h.h2["Replay"],
        h.form(method="post", action=asked.link("/plans"))[
            h.input(type="hidden", name="place", value=str(letter.place)), parts.button("Plan its replay")
        ],
    ]


def _to_payload(asked: Asked) -> h.Node:
    if not asked.who.may(Right.PAYLOAD):
        return None
    return h.fragment[
        h.h2["Payload"],
        h.p["Key, value and headers: personal data. Who shows it is logged."],
        h.form(method="post", action=asked.link(f"{asked.path}/payload"))[parts.button("Show the payload")],
    ]


ROUTES = (Route("GET", "/letters/{place}", Right.VIEW, letter, within=60),)
