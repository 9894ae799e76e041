"""The layout of every page."""

import hashlib

import htpy as h
import orjson

from worker import __version__
from worker.console.web import assets, parts
from worker.console.web.answers import Page
from worker.console.web.asked import Asked

PLACES = (
    ("/", "Now"),
    ("/letters", "Dead letters"),
    ("/doubts", "Doubts"),
    ("/events", "Events"),
    ("/verify", "Verify"),
)


def document(page: Page, asked: Asked) -> str:
    """The whole page as HTML."""
    body = str(h.fragment[page.body])
    return str(
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width, initial-scale=1"),
                h.meta(name="color-scheme", content="light dark"),
                h.title[f"{page.title} · customer worker"],
                _icon(asked),
                h.link(rel="stylesheet", href=_asset(asked, "/style.css")),
                h.script(type="module", src=_asset(asked, "/fresh.js")) if page.is_fresh else None,
            ],
            h.body[_top(asked), _main(page, body), _bottom(asked)],
        ]
    )


def fresh(page: Page) -> bytes:
    """The page's values, and a hash of all else: where that has changed, a reload would show something new."""
    found, rest = parts.numbers(str(h.fragment[page.body]))
    return orjson.dumps({"numbers": found, "shape": _shape(rest)})


def _shape(rest: str) -> str:
    return hashlib.sha256(rest.encode()).hexdigest()[:12]


def bounce(to: str, asked: Asked) -> str:
    """A page that makes the browser go on to `to` by itself."""
    return str(
        h.html(lang="en")[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(http_equiv="refresh", content=f"0; url={to}"),
                h.title["One moment · customer worker"],
                _icon(asked),
            ],
            h.body[h.main[h.h1["One moment"], h.p[h.a(href=to)["Go on"]]]],
        ]
    )


def _icon(asked: Asked) -> h.Node:
    return h.link(rel="icon", type="image/svg+xml", href=_asset(asked, "/icon.svg"))


def _asset(asked: Asked, path: str) -> str:
    return asked.link(path, v=assets.VERSION)


def _top(asked: Asked) -> h.Node:
    return [
        h.a(".skip", href="#main")["To the content"],
        h.header[h.p(".name")["customer worker"], _navigation(asked)],
    ]


def _navigation(asked: Asked) -> h.Node:
    return h.nav(aria_label="Pages")[
        h.ul[
            (
                h.li[h.a(href=asked.link(path), aria_current="page" if _is_within(asked.path, path) else None)[name]]
                for path, name in PLACES
            )
        ]
    ]


def _is_within(path: str, place: str) -> bool:
    return path == place or (place != "/" and path.startswith(f"{place}/"))


def _main(page: Page, body: str) -> h.Node:
    """The page's main part; `body` is markup already, since what it was made from may be readable only once."""
    shape = _shape(parts.numbers(body)[1]) if page.is_fresh else None
    changed = h.p("#changed", role="status", hidden=True)[h.a(href="")["Something was added or has gone: show"],]
    stale = h.p("#stale.notice", {"data-kind": "bad"}, role="alert", hidden=True)[
        "These numbers are old: the console does not answer, or shows this page no more. Reload it to see why."
    ]
    return h.main("#main", {"data-shape": shape}, tabindex="-1")[
        h.h1[page.title], [stale, changed] if page.is_fresh else None, body
    ]


def _bottom(asked: Asked) -> h.Node:
    rights = ", ".join(sorted(right.value.replace("_", " ") for right in asked.who.rights if right.value != "enter"))
    return h.footer[h.p[f"{asked.who.name}: {rights or 'nothing yet'} · version {__version__}"]]
