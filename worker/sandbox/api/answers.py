"""The answers of the API, in JSON and in XML."""

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
"""Response headers such as some gateways add: one of several thousand bytes, and 120 more."""


@dataclass(slots=True)
class Answer:
    """One answer.

    `execution` is the ledger's sequence of the execution that it reports. With `trickle` (seconds) the answer is sent
    byte by byte within that time.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    customer_id: int | None = None
    execution: int | None = None
    trickle: float | None = None


class Refused(Exception):
    """Raised to end a call early with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(form: Format, status: int, message: str, code: str | None = None) -> Answer:
    """An error of the interaction API, which has `code` and `developerMessage`."""
    fields = {"code": code or f"{status}-100", "developerMessage": message}
    body = orjson.dumps(fields) if form == "json" else write_flat("error", COMMON, fields)
    return Answer(status, body, CONTENT_TYPES[form])


def platform_error(form: Format, status: int, message: str) -> Answer:
    """An error of log-in or log-out, which has only a `message`."""
    fields = {"message": message}
    body = orjson.dumps(fields) if form == "json" else write_flat("Error", PLATFORM, fields)
    return Answer(status, body, CONTENT_TYPES[form])


def plain(status: int, value: object) -> Answer:
    """An answer of the sandbox's own endpoints, always in JSON."""
    return Answer(status, orjson.dumps(value), CONTENT_TYPES["json"])


def odd_body(kind: BodyKind, status: int) -> Answer:
    """An error such as gateways and proxies answer with; `kind` is the form of its body."""
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
