"""One pooled HTTP session, and the facts about each request: whether it left, and what came back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import aiohttp
from yarl import URL

from worker.commands import trace_id_of
from worker.customer_api.connector import connector, why
from worker.errors import ApiUnavailable, OutcomeUnknown
from worker.measures import NO_ANSWER, NOT_SENT, Measures

MAX_BODY = 64 * 1024
DIAGNOSIS_WITHIN = 2.0
"""Seconds that a body which is for diagnosis alone may take: its reader keeps a connection and a record waiting."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the API is reached. Times are seconds."""

    base_url: str
    context_root: str = "/system"
    format: Literal["json", "xml"] = "json"
    accept_language: str = "en-US"
    connect_timeout: float = 5
    request_timeout: float = 30
    keepalive_timeout: float = 4
    pool_size: int = 64
    ca_file: Path | None = None

    @property
    def content_type(self) -> str:
        return f"application/{self.format}"

    def url(self, path: str) -> URL:
        """`path` starts after the version: `/interaction/customer`."""
        return URL(f"{self.base_url}{self.context_root}/ws/v12{path}", encoded=True)


@dataclass(slots=True)
class Sending:
    """How far one request got; filled in by the tracing while it runs."""

    last_look: Callable[[], None] | None = None
    stopped: Exception | None = None
    left: bool = False

    def leave(self) -> None:
        """The request goes out now, unless the last look says otherwise."""
        try:
            if self.last_look:
                self.last_look()
        except Exception as reason:
            self.stopped = reason
            raise
        self.left = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said: at most the first 64 KiB of the body, `whole` or not."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")
    whole: bool = True


@asynccontextmanager
async def pooled(access: Access, measures: Measures | None = None) -> AsyncIterator["Http"]:
    """Cookies are not kept: a session cookie would outlive the renewal of the session header.

    Waiting for a connection is bounded by itself, so that a request that leaves has the whole of its own time. A body
    is asked for and taken as it is: one that cannot be decompressed would be an error instead of an answer.
    """
    timeout = aiohttp.ClientTimeout(
        total=access.connect_timeout + access.request_timeout,
        connect=access.connect_timeout,
        sock_connect=access.connect_timeout,
        sock_read=access.request_timeout,
    )
    headers = {"Accept": access.content_type, "Accept-Language": access.accept_language, "Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(
        connector=connector(access.pool_size, access.keepalive_timeout, access.ca_file),
        timeout=timeout,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[_tracing()],
        auto_decompress=False,
    ) as session:
        yield Http(session, measures or Measures())


class Http:
    """Requests that never follow a redirect and always say whether they left."""

    def __init__(self, session: aiohttp.ClientSession, measures: Measures) -> None:
        self._session = session
        self._measures = measures

    async def request(  # noqa: PLR0913 - a request and the two things that only some callers ask of it
        self,
        method: str,
        url: URL,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        before_sending: Callable[[], None] | None = None,
        body_within: float | None = DIAGNOSIS_WITHIN,
    ) -> Answer:
        """Raises ApiUnavailable when nothing was sent, OutcomeUnknown when something was and no answer came.

        What `before_sending` raises is raised unchanged, and nothing was sent.
        """
        sending = Sending(before_sending)
        started, status = time.monotonic(), NOT_SENT
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False, trace_request_ctx=sending
            ) as response:
                status = str(response.status)
                start, whole = await _start_of(response, body_within)
                return Answer(response.status, response.headers, start, whole)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if sending.stopped:
                raise sending.stopped from None
            if sending.left:
                status = NO_ANSWER
                raise OutcomeUnknown(f"no answer from {url.origin()}: {type(error).__name__}") from error
            raise ApiUnavailable(f"cannot reach {url.origin()}: {why(error)}") from error
        finally:
            self._measures.answered(status, time.monotonic() - started, trace_id_of(headers.get("traceparent")))


async def _start_of(response: aiohttp.ClientResponse, within: float | None) -> tuple[bytes, bool]:
    """A body that breaks off, never ends or cannot be read takes nothing from the answer; whether it came whole."""
    body = b""
    try:
        async with asyncio.timeout(within):
            while len(body) < MAX_BODY and (chunk := await response.content.read(MAX_BODY - len(body))):
                body += chunk
    except (aiohttp.ClientError, TimeoutError, OSError):
        response.close()
        return body, False
    if whole := response.content.at_eof():
        return body, whole
    response.close()
    return body, whole


def _tracing() -> aiohttp.TraceConfig:
    """aiohttp reports the headers as sent before it writes a byte; what is raised there closes the connection.

    Raised where a connection was obtained (`on_connection_reuseconn`, `on_connection_create_end`) it would free the
    slot and leave the socket open for good.
    """

    async def leaving(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.leave()

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(leaving)
    return tracing
