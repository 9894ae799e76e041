"""Makes the page that is shown in place of one that failed."""

import htpy as h
import structlog

from worker.console.web import parts
from worker.console.web.answers import Barred, NotEntered, NotNow, NotShown, NotThere, Page
from worker.logs import where
from worker.model.errors import Unavailable, WorkerError

log = structlog.get_logger()


def page(error: Exception) -> Page:
    """The page for an error. Our own errors are shown, as they hold nothing of a customer; others are only logged."""
    match error:
        case NotShown():
            return _told(_title(error), str(error), error.status)
        case Unavailable():
            return _told("It cannot be reached now", f"{error}. The page works again as soon as it is there.", 503)
        case WorkerError():
            return _told("This cannot be shown", str(error), 503)
        case TimeoutError():
            return _told("It took too long", "No answer came in time. Narrow it down, or try again.", 504)
        case _:
            log.error("page.crashed", error=type(error).__name__, where=where(error))
            return _told("This page has failed", "That is an error of the console's own; its log says where.", 500)


def _title(error: NotShown) -> str:
    match error:
        case NotThere():
            return "Not there"
        case NotEntered():
            return "Who are you?"
        case Barred():
            return "Not allowed"
        case NotNow():
            return "Not now"
        case _:
            return "That is nothing for here"


def _told(title: str, why: str, status: int) -> Page:
    return Page(title, h.fragment[parts.notice("bad", why), h.p[h.a(href="")["Try again"]]], status)
