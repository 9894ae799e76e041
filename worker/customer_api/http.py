"""One pooled HTTP session. Of each request it is known whether it was sent, and what came back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from yarl import URL

from worker.customer_api.access import Access
from worker.customer_api.connector import MAX_HEAD, MAX_LINES, HeadFirst, connector, refused_certificate, unreached
from worker.customer_api.proxy import Proxy, refusal
from worker.measures import NO_ANSWER, NOT_SENT, Measures
from worker.model.commands import trace_id_of
from worker.model.errors import ApiUnavailable, OutcomeUnknown
from worker.model.frozen import frozen

MAX_BODY = 64 * 1024
LastLook = Callable[[], float]
"""A last check: for how many seconds the request must still wait before the next check; 0 lets it go."""
DIAGNOSIS_WITHIN = 2.0
"""Seconds for reading a body that only serves diagnosis: meanwhile a connection and a record wait."""


@dataclass(slots=True)
class Sending:
    """How far one request got; `Watched` fills it in. `left`: sending began. `stopped`: what the last look raised.

    Its answer has `within` seconds from the moment at which it left, however long it had to wait before. Where a kept
    connection ends under a question, aiohttp asks it again: that has what is left of them.
    """

    within: float
    last_look: LastLook | None = None
    limit: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    stopped: Exception | None = None
    left: bool = False
    over: asyncio.BaseTransport | None = None

    async def leave(self, conn: Connection) -> None:
        """Return when the request may be sent over that connection; raise what the last look raises."""
        self.over = conn.transport
        try:
            protocol = _usable(conn)
            protocol.ask_for_nothing()
            while self.last_look and (wait := self.last_look()):
                await asyncio.sleep(wait)
                protocol = _usable(conn)
        except Exception as reason:
            self.stopped = reason
            raise
        protocol.ask()
        if not self.left:
            self.left = True
            self.limit.reschedule(asyncio.get_running_loop().time() + self.within)

    def heard(self) -> float:
        """Note that the answer's head is there: its status counts, whatever becomes of its body.

        Return the seconds that are left for the body.
        """
        until = self.limit.when()
        self.limit.reschedule(None)
        return until - asyncio.get_running_loop().time() if until is not None else 0.0


def _usable(conn: Connection) -> HeadFirst:
    """The protocol of a connection that is open, and on which nothing came since the last answer."""
    protocol = conn.protocol
    if not isinstance(protocol, HeadFirst) or not protocol.is_connected() or protocol.should_close:
        raise ApiUnavailable("the connection was closed before the request had left")
    return protocol


UNDER_WAY: ContextVar[Sending] = ContextVar("the request of this task")


class Watched(aiohttp.ClientRequest):
    """Takes the last look when only the write is left to do, and notes that the request is sent.

    aiohttp's tracing would cost 30 µs a request. Besides, an error raised where it reports a connection
    (`on_connection_reuseconn`, `on_connection_create_end`) frees the place in the pool and leaves the socket open.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Called by aiohttp; a request without a body is written here."""
        if not self.body:
            await UNDER_WAY.get().leave(conn)
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Called by aiohttp to write head and body at once.

        Where the last look forbids it, the connection is closed.
        """
        try:
            await UNDER_WAY.get().leave(conn)
        except Exception as reason:  # noqa: BLE001  whatever the look says is told to who asked for the request
            if conn.protocol is not None:
                conn.protocol.set_exception(aiohttp.ClientConnectionError(type(reason).__name__))
            return
        await super().write_bytes(writer, conn, content_length)


@frozen()
class Answer:
    """An answer of the API: at most the first 64 KiB of its body; `whole` if that is all of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")
    whole: bool = True


@asynccontextmanager
async def pooled(access: Access, measures: Measures | None = None) -> AsyncIterator["Http"]:
    """An `Http` with a pool of its own.

    Cookies are not kept: a session cookie would outlive the session header's renewal. Waiting for a connection has a
    time limit of its own. That of a sent request is `Sending.limit`: aiohttp can count from before the connection, the
    last look's wait included, or anew from each byte, but not from the sending. No compressed bodies are asked for, and
    none is decompressed: a failure would turn an answer into an error.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, connect=access.connect_timeout, sock_connect=access.connect_timeout, sock_read=None
    )
    headers = {"Accept": access.content_type, "Accept-Language": access.accept_language, "Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(
        connector=connector(access),
        proxy=access.proxy.url if access.proxy else None,
        timeout=timeout,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=Watched,
        max_line_size=MAX_HEAD,
        max_field_size=MAX_HEAD,
        max_headers=MAX_LINES,
        auto_decompress=False,
    ) as session:
        yield Http(session, access.request_timeout, measures or Measures(), access.proxy)


class Http:
    """Makes requests, never follows a redirect, and always says whether the request was sent."""

    def __init__(
        self, session: aiohttp.ClientSession, within: float, measures: Measures, proxy: Proxy | None = None
    ) -> None:
        self._session = session
        self._within = within
        self._measures = measures
        self._proxy = proxy

    async def request(  # noqa: PLR0913 - a request and the two things that only some callers ask of it
        self,
        method: str,
        url: URL,
        headers: dict[str, str],
        body: bytes | None = None,
        *,
        before_sending: LastLook | None = None,
        body_within: float = DIAGNOSIS_WITHIN,
    ) -> Answer:
        """Raises ApiUnavailable when nothing was sent, OutcomeUnknown when something was and no answer came.

        `before_sending` is called when there is a connection. What it raises is raised unchanged, and nothing was sent.
        """
        sending = Sending(self._within, before_sending)
        started, status = time.monotonic(), NOT_SENT
        UNDER_WAY.set(sending)
        try:
            call = self._session.request(method, url, data=body, allow_redirects=False, **self._headers(url, headers))
            async with sending.limit, call as response:
                if not sending.left:
                    raise ApiUnavailable(f"{url.origin()} answered before the request had left")
                left = sending.heard()
                status = str(response.status)
                self._reject(url, response.status)
                start, whole = await _start_of(response, min(body_within, left))
                return Answer(response.status, response.headers, start, whole)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # ValueError: the request cannot be made, because of an impossible host or header.
            if sending.stopped:
                raise sending.stopped from None
            if sending.left and (refused := refused_certificate(error)):
                raise ApiUnavailable(f"cannot reach {url.origin()}: {refused}") from error
            if sending.left:
                status = NO_ANSWER
                raise OutcomeUnknown(f"no answer from {url.origin()}: {type(error).__name__}") from error
            raise ApiUnavailable(f"cannot reach {url.origin()}{unreached(error, self._proxy)}") from error
        finally:
            self._measures.answered(status, time.monotonic() - started, trace_id_of(headers.get("traceparent")))

    def _headers(self, url: URL, headers: dict[str, str]) -> dict[str, Any]:
        """The arguments for headers.

        A proxy's own go to it before the tunnel, or with the request where there is none.
        """
        if self._proxy is None:
            return {"headers": headers}
        if url.scheme == "https":
            return {"headers": headers, "proxy_headers": self._proxy.headers()}
        return {"headers": headers | self._proxy.headers()}

    def _reject(self, url: URL, status: int) -> None:
        """Raise ApiUnavailable for a 407 without a tunnel.

        It is the proxy's own answer, and it has passed nothing on.
        """
        if self._proxy is not None and url.scheme == "http" and status == 407:
            raise ApiUnavailable(f"cannot reach {url.origin()} through the proxy {self._proxy.url}: {refusal(status)}")


async def _start_of(response: aiohttp.ClientResponse, within: float) -> tuple[bytes, bool]:
    """The beginning of the body, and whether it is whole; a body that breaks off or never ends does not raise."""
    if response.content.at_eof():
        return b"", True
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
