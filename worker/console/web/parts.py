"""The parts of pages. htpy escapes all text: there is no way to write markup from a value."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import unescape
from typing import Literal

import htpy as h

from worker.counting import NARROW, counted, thousands

Kind = Literal["good", "wait", "bad", "plain"]
NUMBER = re.compile(r'<[a-z]+ data-n="([^"]*)" data-kind="([a-z]*)">([^<]*)<')
NOT_TOLD = "not told"
TO_THE_SECOND = "%Y-%m-%d %H:%M:%S UTC"


def number(key: str, value: object, kind: Kind = "plain") -> h.Element:
    """A value that is updated in place; `key` must be unique on its page."""
    return h.span({"data-n": key, "data-kind": kind})[text(value)]


def numbers(rendered: str) -> tuple[dict[str, tuple[str, str]], str]:
    """The text and kind of each value by its key in a rendered page, and the page without them."""
    found = {unescape(key): (unescape(value), kind) for key, kind, value in NUMBER.findall(rendered)}
    return found, NUMBER.sub(r'<n data-n="\1"><', rendered)


def text(value: object) -> str:
    """A value as text; None becomes "not told", and never a zero."""
    if value is None:
        return NOT_TOLD
    return thousands(value) if type(value) is int else str(value)


def moment(milliseconds: float) -> h.Element:
    """A time in UTC, to the second."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return h.time(datetime=at.isoformat(timespec="milliseconds"))[at.strftime(TO_THE_SECOND)]


def clock(seconds: float) -> str:
    """A time of today, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S UTC")


def as_of(seconds: float) -> h.Element:
    """When that was so which stands on the page: it is given again for a while."""
    return h.p[f"As of {clock(seconds)}."]


def age(seconds: float) -> str:
    """A duration in its two largest units, such as `2 h 5 min`."""
    whole = max(0, int(seconds))
    units = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    place = next((place for place, (length, _) in enumerate(units) if whole >= length), 3)
    told = [f"{whole // units[place][0]} {units[place][1]}"]
    if place < 3 and (rest := whole % units[place][0] // units[place + 1][0]):
        told.append(f"{rest} {units[place + 1][1]}")
    return " ".join(told)


def table(caption: str, columns: Sequence[h.Node], rows: Iterable[Sequence[h.Node]], *, none: str) -> h.Node:
    """A table that scrolls by itself on a narrow screen; a row's first cell names it. `none` is shown without rows."""
    listed = [list(row) for row in rows]
    if not listed:
        return empty(none)
    return h.div(".wide", role="region", aria_label=caption, tabindex="0")[
        h.table[
            h.caption[caption],
            h.thead[h.tr[(h.th(scope="col")[each] for each in columns)]],
            h.tbody[(h.tr[h.th(scope="row")[row[0]], (h.td[each] for each in row[1:])] for row in listed)],
        ]
    ]


def facts(rows: Iterable[tuple[str, h.Node]]) -> h.Node:
    """Names with their values; those whose value is None are left out."""
    told = [(name, value) for name, value in rows if value is not None]
    return h.dl[(h.div[h.dt[name], h.dd[value]] for name, value in told)] if told else None


def empty(why: str) -> h.Element:
    """A line that says that there is nothing to list."""
    return h.p(".empty")[why]


def more(count: int, what: str, where: str = "") -> h.Node:
    """A line that says how many more there are than are listed; nothing where all are."""
    return h.p[f"and {counted(count, f'more {what}', gap=NARROW)} {where}".rstrip()] if count > 0 else None


def notice(kind: Kind, *told: h.Node) -> h.Element:
    """A notice that a person should see first."""
    return h.p(".notice", {"data-kind": kind}, role="status")[told]


def waiting(*told: h.Node) -> h.Element:
    """A line that says that an answer is awaited; the page reloads by itself when it comes."""
    return h.p(".waiting", {"data-waiting": ""}, role="status")[told]


def button(name: str, *, danger: bool = False) -> h.Element:
    """A button that posts its form."""
    return h.button(".danger" if danger else ".act", type="submit")[name]
