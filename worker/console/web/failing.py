"""Makes the page that is shown in place of one that failed."""

import htpy as h
import structlog

from worker.console.web import parts
from worker.console.web.answers import Barred, NotEntered, NotNow, NotShown, NotThere, Page
from worker.logs import where
from worker.model.errors import Unavailable, WorkerError

log = structlog.get_logger()


def page(error: Exception, *, is_form: bool = False) -> Page:
    """The page for an error. Our own errors are shown, as they hold nothing of a customer; others are only logged.

    `is_form`: a form was sent, whose address cannot be opened as a page.
    """
    title, why, status = _told(error)
    again = "Go back to the page of the form, and try again from there." if is_form else h.a(href="")["Try again"]
    return Page(title, h.fragment[parts.notice("bad", why), h.p[again]], status)


def _told(error: Exception) -> tuple[str, str, int]:
    match error:
        case NotShown():
            return _title(error), str(error), error.status
        case Unavailable():
            return "It cannot be reached now", f"{error}. The page works again as soon as it is there.", 503
        case WorkerError():
            return "This cannot be shown", str(error), 503
        case TimeoutError():
            return "It took too long", "No answer came in time. Narrow it down, or try again.", 504
        case _:
            log.error("page.crashed", error=type(error).__name__, where=where(error))
            return "This page has failed", "That is an error of the console's own; its log says where.", 500


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
