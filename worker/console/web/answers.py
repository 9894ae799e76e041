"""The forms of a page's answer; only the server knows HTTP."""

from dataclasses import dataclass

import htpy

from worker.console.web.rights import Who
from worker.model.errors import WorkerError


@dataclass(frozen=True, slots=True)
class Page:
    """A page within the layout. While `is_fresh`, values that are marked by `parts.number` are updated in place."""

    title: str
    body: htpy.Node
    status: int = 200
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A redirect to a GET, at `to` from `asked.link`: every successful POST ends so, and a reload repeats nothing."""

    to: str


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody showed the token: the browser gets the cookie and goes on to `to`."""

    to: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """A page that makes the browser ask again, so that the request comes from our own page.

    `to` must be the address of a page of ours: where else a link leads is not for us to answer.
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
    """A page that cannot be shown; `status` is HTTP's, the text says what a person may do about it."""

    status = 400


class NotThere(NotShown):
    """404: there is no such thing, or not any more."""

    status = 404


class NotEntered(NotShown):
    """401: it is not known who asks."""

    status = 401


class Barred(NotShown):
    """403: nobody may do this, or not this person; the text says why. `who` asked, where that is known."""

    status = 403

    def __init__(self, why: str, who: Who | None = None) -> None:
        super().__init__(why)
        self.who = who


class NotNow(NotShown):
    """409: it was changed meanwhile, or somebody else is doing it."""

    status = 409
