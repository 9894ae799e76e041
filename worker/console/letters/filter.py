"""The filter of dead letters, in an address and in a form."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import htpy as h

from worker.console.index.pin import pin, unpinned
from worker.console.index.wanted import Wanted
from worker.console.web import parts
from worker.console.web.answers import Moved, NotShown
from worker.console.web.asked import Asked
from worker.tools.dead_letters.filters import AGE, moment_of
from worker.tools.dead_letters.letters import KINDS

FIELDS = ("reason", "status", "cause", "since", "until", "partition", "event")
Value = TypeVar("Value")
Query = dict[str, str | list[str] | int | None]
Fields = Mapping[str, list[str]]
"""The fields of an address or a form."""


def wanted(fields: Fields) -> Wanted:
    """Read the filter. NotShown says what may be written."""
    reasons = frozenset(_all(fields, "reason"))
    if unknown := reasons - set(KINDS):
        raise NotShown(f"reason: {len(unknown)} of them unknown: it is one of {', '.join(KINDS)}")
    return Wanted(
        reasons,
        frozenset(_number("status", each, 999) for each in _all(fields, "status")),
        frozenset(_hexadecimal(each) for each in _all(fields, "cause")),
        _one(fields, "since", _moment),
        _one(fields, "until", _moment),
        _one(fields, "partition", lambda each: _number("partition", each, 10**6)),
        _one(fields, "event", lambda each: each[:1_024]),
    )


def query(asked: Asked, **more: str | int | None) -> Query:
    """The filter's fields in the address, for a link to the same letters."""
    given: Query = {name: list(_all(asked.query, name)) for name in FIELDS}
    return given | more


def name(asked: Asked) -> str:
    """The filter as it was written; lists are kept under this name."""
    return asked.link(asked.path, **query(asked))


def ends(asked: Asked) -> dict[int, int] | None:
    """The ends of the list, if the address has them; NotShown where they cannot be read."""
    given = asked.one("upto")
    if given is None:
        return None
    if (upto := unpinned(given)) is None:
        raise NotShown("upto: nobody can read up to where this list goes; begin with the newest")
    return upto


def begun(asked: Asked, now: Mapping[int, int]) -> Mapping[int, int] | Moved:
    """The ends of the list. If the address has none, a redirect to one that has: then the list does not change.

    For the same reason an age in the address, such as 2h, becomes the time that it means now.

    `now` are the present ends. Where they fit into no address, the list begins at the newest letter each time.
    """
    upto = ends(asked)
    if upto is not None:
        return upto
    pinned = pin(now) if now else None
    return Moved(asked.link(asked.path, **query(asked, upto=pinned) | _times(asked.query))) if pinned else now


def _times(fields: Fields) -> Query:
    ages = {name: age for name in ("since", "until") for age in _all(fields, name)[-1:] if AGE.fullmatch(age)}
    meant = {name: datetime.fromtimestamp(_moment(age) / 1000, UTC) for name, age in ages.items()}
    return {name: moment.strftime("%Y-%m-%dT%H:%M:%SZ") for name, moment in meant.items()}


def form(asked: Asked) -> h.Element:
    """The form of the filter, which becomes a part of the address; a chosen cause stays chosen."""
    values = {name: (_all(asked.query, name) or [""])[-1] for name in FIELDS}
    return h.form(method="get", action=asked.link(asked.path))[
        h.label["Reason", h.select(name="reason")[_options(values["reason"])]],
        _input("status", "HTTP status", values, size="5", inputmode="numeric"),
        _input("since", "Since (2h, 7d, 2026-11-27T04:30Z)", values, size="12"),
        _input("until", "Until", values, size="12"),
        _input("partition", "Partition", values, size="5", inputmode="numeric"),
        _input("event", "Event id", values, size="24"),
        h.input(type="hidden", name="cause", value=values["cause"]) if values["cause"] else None,
        parts.button("Filter"),
        h.a(href=asked.link(asked.path))["all"],
    ]


def _options(chosen: str) -> Iterable[h.Element]:
    yield h.option(value="")["any"]
    for kind in KINDS:
        yield h.option(value=kind, selected=kind == chosen)[kind]


def _input(name: str, label: str, values: dict[str, str], **more: str) -> h.Element:
    return h.label[label, h.input(type="text", name=name, value=values[name], autocomplete="off", **more)]


def _all(fields: Fields, name: str) -> list[str]:
    return [each.strip() for each in fields.get(name, []) if each.strip()][:20]


def _one(fields: Fields, name: str, read: Callable[[str], Value]) -> Value | None:
    given = _all(fields, name)
    return read(given[-1]) if given else None


def _number(name: str, text: str, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 8 and int(text) <= most:
        return int(text)
    raise NotShown(f"{name}: a number up to {most}")


def _hexadecimal(text: str) -> str:
    if len(text) == 16 and set(text) <= set("0123456789abcdef"):
        return text
    raise NotShown("cause: no cause has such a name")


def _moment(text: str) -> int:
    try:
        return moment_of(text, time.time())
    except ValueError:
        raise NotShown("since, until: an age such as 90s, 2h or 7d, or a time such as 2026-11-22T04:30Z") from None
