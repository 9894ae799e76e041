"""`/letters`: dead letters by cause, and one by one by the filter in the address."""

from collections.abc import Iterable, Mapping, Sequence

import htpy as h

from worker.console import words
from worker.console.desk import Desk
from worker.console.index.causes import Group
from worker.console.index.lists import Listed
from worker.console.index.pin import pin
from worker.console.index.shelf import Row
from worker.console.index.wanted import Wanted
from worker.console.letters import filter as filters
from worker.console.web import parts
from worker.console.web.answers import Answer, Moved, Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.counting import NARROW, counted
from worker.tools.dead_letters.letters import Letter
from worker.tools.reading.place import Place

A_PAGE = 50
GROUPS = 50


async def letters(asked: Asked) -> Answer:
    """Answer with the letters. An address without ends is redirected to one with them, so that the list stays."""
    desk, wanted = asked.sources.desk, filters.wanted(asked.query)
    upto = filters.begun(asked, desk.index.ends())
    if isinstance(upto, Moved):
        return upto
    rows = desk.rows(wanted, filters.name(asked), upto, A_PAGE + 1)
    known = await desk.letters(rows[:A_PAGE])
    body = [
        reading(desk),
        _groups(asked, desk, wanted) if not asked.one("older") else None,
        h.h2["One by one"],
        filters.form(asked),
        _newer(asked, desk, wanted, upto),
        table(asked, rows[:A_PAGE], known),
        further(asked, upto, rows),
        _to_plan(asked, wanted, upto) if rows else None,
    ]
    return Page("Dead letters", h.fragment[body], is_fresh=True)


def reading(desk: Desk) -> h.Node:
    """How much of the topic is read by now, and why it is not more."""
    index = desk.index
    return h.fragment[
        parts.notice("bad", f"{desk.filling.trouble}. What is shown was read before.")
        if desk.filling.trouble
        else None,
        h.p[
            parts.number("known", len(index)),
            " of ",
            parts.number("total", counted(index.total, "dead letter", gap=NARROW)),
            " read so far" if not index.is_full else f": the newest {parts.text(index.most)} are kept",
            ".",
        ],
    ]


def _groups(asked: Asked, desk: Desk, wanted: Wanted) -> h.Node:
    """A table of all causes, or of the chosen ones only."""
    groups = [each for each in desk.index.groups() if not wanted.causes or each.cause.name in wanted.causes]
    columns = ("reason", "HTTP", "broken rules", "letters", "oldest", "newest")
    return h.fragment[
        h.h2["By cause"],
        parts.table(
            "Dead letters by cause, the most frequent first",
            columns,
            (_group(asked, each) for each in groups[:GROUPS]),
            none="There are no dead letters." if desk.index.is_complete else "None is read yet.",
        ),
        h.p[f"and {counted(len(groups) - GROUPS, 'more cause')}: filter them"] if len(groups) > GROUPS else None,
    ]


def _group(asked: Asked, group: Group) -> Sequence[h.Node]:
    cause = group.cause
    name = cause.name
    rules = h.ul[(h.li[words.told(each)] for each in cause.rules)] if cause.rules else ""
    return (
        [h.a(href=asked.link("/letters", cause=name))[cause.reason], ", in doubt" if cause.doubted else None],
        words.answer(cause.status, cause.error_code),
        rules,
        parts.number(f"count-{name}", group.count),
        words.moment(group.oldest),
        parts.number(f"newest-{name}", words.stamp(group.newest)),
    )


def _newer(asked: Asked, desk: Desk, wanted: Wanted, upto: Mapping[int, int]) -> h.Node:
    """How many newer letters there are; the list stays as it is until somebody asks for them."""
    newest = h.a(href=asked.link("/letters", **filters.query(asked)))["show the newest"]
    if asked.one("older"):
        return h.p["Older ones: ", newest]
    count = desk.index.newer(wanted, upto)
    return h.p[parts.number("newer", f"{parts.text(count)} newer" if count else "none newer"), ", ", newest]


def table(asked: Asked, rows: Iterable[Listed], known: Mapping[Place, Letter]) -> h.Node:
    """A table with one row a letter; one that is gone meanwhile says so."""
    columns = ("letter", "time", "reason", "HTTP", "event", "why", "replays")
    listed = (_row(asked, Place(number, row.offset), row, known) for number, row in rows)
    none = "No dead letter fits." if asked.sources.desk.index.is_complete else "None of those that are read fits."
    return parts.table("Dead letters, the newest first", columns, listed, none=none)


def _row(asked: Asked, place: Place, row: Row, known: Mapping[Place, Letter]) -> Sequence[h.Node]:
    link = h.a(href=asked.link(f"/letters/{place}"))[str(place)]
    letter = known.get(place)
    if letter is None:
        return (link, words.moment(row.timestamp), "not in the topic any more", "", "", "", "")
    answer = words.answer(letter.status, letter.error_code)
    event = words.told(letter.event_id) or ""
    return (
        link,
        words.moment(letter.timestamp),
        f"{letter.called}, in doubt" if letter.doubted else letter.called,
        answer,
        event,
        words.why(letter),
        str(letter.replays),
    )


def further(asked: Asked, upto: Mapping[int, int], rows: Sequence[Listed]) -> h.Node:
    """A link to the next page of the same list; None on the last one."""
    if len(rows) <= A_PAGE:
        return None
    rest = pin(dict(upto) | {number: row.offset for number, row in rows[:A_PAGE]})
    if rest is None:
        return h.p[
            "Older ones are told by ",
            h.code["customer-worker dead-letters list"],
            ": so many partitions fit into no address.",
        ]
    return h.p[h.a(href=asked.link(asked.path, **filters.query(asked, upto=rest, older=1)))["Older ones"]]


def _to_plan(asked: Asked, wanted: Wanted, upto: Mapping[int, int]) -> h.Node:
    """The form for a plan of replaying exactly this list, without what comes later."""
    pinned = pin(upto)
    if not asked.who.may(Right.REPLAY) or pinned is None:
        return None
    what = "all of them" if wanted.is_all else "all that fit"
    if not asked.sources.desk.index.is_complete:
        what += ", as far as they are read"
    return h.fragment[
        h.h2["Replay"],
        h.p["A plan says of each letter whether it would be replayed, or why it is left. It publishes nothing."],
        h.form(method="post", action=asked.link("/plans", **filters.query(asked, upto=pinned)))[
            h.label[
                f"The newest so many ({what} if empty)",
                h.input(type="text", name="limit", size="8", inputmode="numeric", autocomplete="off"),
            ],
            parts.button("Plan a replay"),
        ],
        h.p[h.a(href=asked.link("/runs"))["Runs so far"]],
    ]


ROUTES = (Route("GET", "/letters", Right.VIEW, letters),)
