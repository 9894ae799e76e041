"""`/letters/P@O/payload`: the one page that shows personal data."""

from collections.abc import Sequence

import htpy as h
import structlog

from worker.console import words
from worker.console.letters.place import read
from worker.console.web import parts
from worker.console.web.answers import Answer, Page
from worker.console.web.asked import Asked
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.terminal.text import escaped
from worker.tools.dead_letters.letters import Json
from worker.tools.dead_letters.received import Lacking
from worker.tools.dead_letters.shown import payload_of

log = structlog.get_logger()
HEADERS = 1_000


async def payload(asked: Asked) -> Answer:
    """Show the payload: only on this page, only by a POST, and never in an address or a log."""
    shown, record = await read(asked)
    whole = await shown.whole(record)
    told = payload_of(record if isinstance(whole, Lacking) else whole)
    headers = shown.headers(record, payload=True)["headers"]
    log.info("payload.opened", by=asked.who.name, letter=str(shown.letter.place))
    today = await shown.today(whole, payload=True) if shown.letter.reason else {}
    sent = today.get("wouldSend")
    body = [
        parts.notice("wait", "Personal data. That you have opened it is logged."),
        parts.facts((("key", told["key"]),)),
        h.h2["Value"],
        h.pre[told["value"] if told["value"] is not None else "none"],
        [h.h2["Would be sent today"], h.pre[escaped(sent)]] if sent else None,
        _header_table("Producer's headers", headers),
        _header_table("Headers of the dead letter", told["added"]),
        h.p[h.a(href=asked.link(f"/letters/{shown.letter.place}"))["Back to the letter"]],
    ]
    return Page(f"Payload of {shown.letter.place}", h.fragment[body])


def _header_table(title: str, headers: Sequence[Json]) -> h.Node:
    first, more = headers[:HEADERS], len(headers) - HEADERS
    rows = [(words.told(each["name"], 200), each["value"] if each["value"] is not None else "null") for each in first]
    table = parts.table(title, ("name", "value"), rows, none="None.")
    return h.fragment[h.h2[title], table, h.p[f"and {more} more"] if more > 0 else None]


ROUTES = (Route("POST", "/letters/{place}/payload", Right.PAYLOAD, payload, within=60),)
