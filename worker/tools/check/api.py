"""Checks of the API: that it is reached, its certificate and clock, the login, and the user's rights.

Creates nothing.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Protocol
from uuid import uuid4

from yarl import URL

from worker.counting import counted
from worker.customer.live_catalog import customer_attributes
from worker.model.errors import LoginRefused, SearchRefused, WorkerError
from worker.tools.check.kafka import is_here
from worker.tools.check.line import Check, Line, not_tried, said

SKEW = 30.0
DAYS_LEFT = 30
DAY = 86_400
CREATE = "the API's user needs the action 'Create Customer'"
SEARCH = "the API's user needs the action 'View Agent Console'"
NOBODY = "nobody@customer-worker.invalid"


class Answer(Protocol):
    """An answer over HTTP."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Api(Protocol):
    """What this module asks of the API; each raises a WorkerError where there is no answer."""

    async def reach(self) -> Answer:
        """The API's answer to a caller without a session."""

    async def log_in(self) -> None: ...
    async def log_out(self) -> None: ...
    async def refusal(self) -> Answer:
        """The answer to a customer that cannot be created."""

    async def find_by_attribute(self, name: str, value: str) -> list[str]: ...
    async def find_by_email(self, address: str) -> list[str]: ...
    async def attributes(self, name: str) -> bytes: ...


# The TLS version, and when the certificate ends (seconds since the epoch).
Certificate = Callable[[], Awaitable[tuple[str, float]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the API is used. `look_up` is none, email or custom_attribute; `resends_503`: also one that a proxy may say.

    `proxy` is the address of the proxy on the way, empty where the environment names none for the API.
    """

    base_url: str
    look_up: str = "none"
    attribute: str = ""
    resends_503: bool = False
    proxy: str | None = None


def api(opened: Callable[[], AbstractAsyncContextManager[Api]], wanted: Wanted, certificate: Certificate) -> Check:
    """The check of the API; what needs a session is not tried without one."""

    async def check() -> AsyncIterator[Line]:
        if wanted.resends_503:
            yield _resends()
        yield await said("tls", _tls(wanted, certificate), "see WORKER_API__BASE_URL and WORKER_API__CA_FILE")
        try:
            async with opened() as client:
                async for line in _asked(client, wanted):
                    yield line
        except WorkerError as error:
            yield Line("api", "failed", str(error))

    return check


async def _asked(client: Api, wanted: Wanted) -> AsyncIterator[Line]:
    try:
        answer = await client.reach()
    except WorkerError as error:
        yield Line("api", "failed", str(error), "see WORKER_API__BASE_URL")
        yield not_tried("clock", "no answer from the API")
    else:
        if wanted.proxy is not None:
            yield _by(wanted.proxy)
        yield _reached(answer)
        yield _clock(answer.headers.get("Date"), time.time())
    yield (login := await _login(client))
    questions = [("create", _create(client))]
    if wanted.look_up != "none":
        questions.append(("search", _search(client, wanted)))
    if wanted.look_up == "custom_attribute":
        questions.append(("attribute", _attribute(client, wanted)))
    for name, question in questions:
        if login.state == "failed":
            question.close()
            yield not_tried(name, "no session")
        else:
            yield await said(name, question)
    await client.log_out()


async def _tls(wanted: Wanted, certificate: Certificate) -> Line:
    url = URL(wanted.base_url)
    if url.scheme != "https":
        if is_here(url.host or ""):
            return Line("tls", "ok", "none, on this machine")
        return Line("tls", "warning", "none: the password and customers' data pass unencrypted", "WORKER_API__BASE_URL")
    protocol, ends = await certificate()
    days = int((ends - time.time()) // DAY)
    detail = f"{protocol}, the certificate ends in {counted(days, 'day')}"
    if days < DAYS_LEFT:
        return Line("tls", "warning", detail, "have it renewed")
    return Line("tls", "ok", detail)


def _resends() -> Line:
    detail = "none is configured: a 503 is sent again, which a proxy may have said after it had passed the call on"
    return Line("look-up", "warning", detail, "see WORKER_RECONCILE__BY, or name 503 in WORKER_API__UNKNOWN_STATUSES")


def _by(proxy: str) -> Line:
    if not proxy:
        return Line("proxy", "ok", "none: the environment names none for the API, or NO_PROXY names the API")
    return Line("proxy", "ok", f"reached by {proxy}")


def _reached(answer: Answer) -> Line:
    """The line on reaching the API, which says 401 without a session; another answer may be somebody else's."""
    match answer.status:
        case 401:
            return Line("api", "ok", "reached")
        case status if status >= 500:
            return Line("api", "failed", f"answered {status}", "is it in maintenance?")
        case status:
            wish = "WORKER_API__BASE_URL and WORKER_API__CONTEXT_ROOT must lead to the API"
            return Line("api", "warning", f"answered {status} to a call without a session, not 401", wish)


def _clock(date: str | None, now: float) -> Line:
    try:
        ahead = parsedate_to_datetime(date or "").timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return Line("clock", "warning", "not known: the API sends no Date")
    if abs(ahead) > SKEW:
        direction = "ahead of" if ahead > 0 else "behind"
        return Line("clock", "warning", f"the API's is {abs(ahead):.0f} s {direction} ours", "synchronise them (NTP)")
    return Line("clock", "ok", f"the API's is within {SKEW:g} s of ours")


async def _login(client: Api) -> Line:
    try:
        await client.log_in()
    except LoginRefused as error:
        told = "WORKER_API__" in str(error)
        return Line("login", "failed", str(error), "" if told else "see WORKER_API__USERNAME and WORKER_API__PASSWORD")
    except WorkerError as error:
        return Line("login", "failed", str(error))
    return Line("login", "ok", "logged in")


async def _create(client: Api) -> Line:
    """The line on the right to create; an answer that refuses the customer shows that the user has it."""
    answer = await client.refusal()
    match answer.status:
        case 400:
            return Line("create", "ok", "allowed: a customer without any element was refused as such")
        case 403:
            return Line("create", "failed", "not allowed: 403", CREATE)
        case status if 200 <= status < 300:
            made = answer.headers.get("Location", "nowhere")
            return Line(
                "create", "failed", f"a customer without any element was taken ({status}, {made})", "see the API"
            )
        case status:
            return Line("create", "warning", f"not known: the API answered {status}")


async def _search(client: Api, wanted: Wanted) -> Line:
    """Search for a customer who does not exist."""
    try:
        if wanted.look_up == "email":
            await client.find_by_email(NOBODY)
        else:
            await client.find_by_attribute(wanted.attribute, str(uuid4()))
    except SearchRefused as error:
        return Line("search", "failed", str(error), SEARCH)
    if wanted.look_up == "email":
        return Line(
            "search", "ok", "allowed, by email: each customer is also searched before its POST, twice the calls"
        )
    return Line("search", "ok", f"allowed, by {wanted.attribute}")


async def _attribute(client: Api, wanted: Wanted) -> Line:
    """The line on the custom attribute. No page shows the list's form: a list that cannot be read is only a warning."""
    try:
        known = await customer_attributes(client)
    except ValueError:
        known = None
    if not known:
        return Line("attribute", "warning", f"not known: the API lists none, and so not {wanted.attribute} either")
    if wanted.attribute not in known:
        wish = "configure it in the application, or see WORKER_RECONCILE__ATTRIBUTE"
        return Line("attribute", "failed", f"a customer has no custom attribute {wanted.attribute}", wish)
    if (kind := known[wanted.attribute].type) != "string":
        return Line("attribute", "failed", f"{wanted.attribute} is of type {kind}", "it must hold any text")
    return Line("attribute", "ok", f"{wanted.attribute}, a text")
