"""Puts into words for a page what others wrote, and what commands say."""

from datetime import UTC, datetime

import htpy as h

from worker.console.web import parts
from worker.terminal.text import plain
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.replay import FORGOTTEN, MADE, UNKNOWN

LONGEST = 300
LATEST = 253_402_300_799_000
"""The last second that a date can have, in milliseconds."""
ON_A_PAGE = {
    UNKNOWN: "its customer may exist: settle it among the doubts, one by one",
    MADE: "its customer exists, and nobody knows under which id: settle it among the doubts, one by one",
    FORGOTTEN: "perhaps replayed before: the request topic does not reach back to it any more",
}


def told(text: str | None, most: int = LONGEST) -> str | None:
    """A foreign text in one line, cut to `most` characters; it cannot change how the rest is shown."""
    if text is None:
        return None
    return plain(text if len(text) <= most else f"{text[: most - 3]}...")


def moment(milliseconds: int) -> h.Element:
    """A record's time, which its producer may have made up."""
    return parts.moment(min(max(0, milliseconds), LATEST))


def stamp(milliseconds: int) -> str:
    """As `moment`, as text."""
    return datetime.fromtimestamp(min(max(0, milliseconds), LATEST) / 1000, UTC).strftime(parts.TO_THE_SECOND)


def left(reason: str) -> str:
    """Why a letter is left, without the names of a command's options."""
    return ON_A_PAGE.get(reason) or told(reason) or ""


def answer(status: int | None, error_code: str | None) -> str:
    """The API's answer in words."""
    return " ".join(each for each in (str(status) if status else "", told(error_code) or "") if each)


def why(letter: Letter) -> str:
    """Why the letter failed, in one line; for a foreign letter, who wrote it."""
    if letter.reason:
        return told(letter.message) or ""
    return told(" ".join(filter(None, (letter.tool or "no headers of ours", letter.kind)))) or ""


def how_far(what: str, done: int, total: int) -> h.Node:
    """A line that is updated while something is being read."""
    return h.fragment[
        parts.number("what", f"{what} "),
        parts.number("done", f"{parts.text(done)} of {parts.text(total)}" if total else ""),
    ]
