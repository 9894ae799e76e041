"""What the API says back, in either format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import orjson

from worker.sandbox.api.elements import COMMON, PLATFORM
from worker.sandbox.api.faults import BodyKind
from worker.sandbox.api.xml import write_flat

Format = Literal["json", "xml"]
CONTENT_TYPES: Mapping[Format, str] = {"json": "application/json", "xml": "application/xml"}

SESSION = "X-egain-session"
HUGE = 8 * 1024 * 1024
BIG_HEAD = {"Content-Security-Policy": "; ".join(f"img-src https://{n}.example" for n in range(400))} | {
    f"X-Hop-{n}": "edge" for n in range(120)
}
"""As some gateways make them: one long line, and many."""


@dataclass(slots=True)
class Answer:
    """One answer. `execution` is the ledger's sequence of the execution that it reports.

    With `trickle` it is sent byte by byte, within that many seconds.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    customer_id: int | None = None
    execution: int | None = None
    trickle: float | None = None


class Refused(Exception):
    """The call ends here with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(form: Format, status: int, message: str, code: str | None = None) -> Answer:
    """The error of the interaction API: `code` and `developerMessage`."""
    fields = {"code": code or f"{status}-100", "developerMessage": message}
    body = orjson.dumps(fields) if form == "json" else write_flat("error", COMMON, fields)
    return Answer(status, body, CONTENT_TYPES[form])


def platform_error(form: Format, status: int, message: str) -> Answer:
    """The error of log-in and log-out: a `message` alone."""
    fields = {"message": message}
    body = orjson.dumps(fields) if form == "json" else write_flat("Error", PLATFORM, fields)
    return Answer(status, body, CONTENT_TYPES[form])


def plain(status: int, value: object) -> Answer:
    """A JSON document of the sandbox's own."""
    return Answer(status, orjson.dumps(value), CONTENT_TYPES["json"])


def odd_body(kind: BodyKind, status: int) -> Answer:
    """An error as gateways and proxies make them."""
    match kind:
        case "json" | "xml":
            return error(kind, status, "this fault was asked for")
        case "html":
            page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
            return Answer(status, page.encode(), "text/html")
        case "empty":
            return Answer(status)
        case "huge":
            return Answer(status, b"<html>" + b"x" * HUGE + b"</html>", "text/html")
