"""What a page answers with; the server alone knows HTTP."""

from dataclasses import dataclass

import htpy

from worker.console.web.rights import Who
from worker.model.errors import WorkerError


@dataclass(frozen=True, slots=True)
class Page:
    """A page within the layout. What `parts.number` marks in it is kept fresh in place while `is_fresh`."""

    title: str
    body: htpy.Node
    status: int = 200
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """The browser goes on there by a GET: every POST that worked ends so, and a reload repeats nothing.

    `to` is what `asked.link` gave.
    """

    to: str


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody showed the token; the browser gets its cookie and goes on to `to`."""

    to: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """The browser asks again by itself, and then it is a page of ours that leads there.

    `to` is the address of a page of ours: whatever else somebody linked to is theirs to answer for.
    """

    to: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A file of the fixed table, or a probe's answer."""

    body: bytes
    content_type: str
    etag: str | None = None


Answer = Page | Moved | Entered | Bounced | Raw


class NotShown(WorkerError):
    """A page that cannot be shown, with its status and what a person may do about it."""

    status = 400


class NotThere(NotShown):
    """404: nothing is there, or not any more."""

    status = 404


class NotEntered(NotShown):
    """401: nobody knows who asks."""

    status = 401


class Barred(NotShown):
    """403: it is known why nobody, or not this one, may; `who` asked, where that is known."""

    status = 403

    def __init__(self, why: str, who: Who | None = None) -> None:
        super().__init__(why)
        self.who = who


class NotNow(NotShown):
    """409: it was changed meanwhile, or somebody else is at it."""

    status = 409
