"""One pooled HTTP session, and the facts about each request: whether it left, and what came back."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import aiohttp
from yarl import URL

from worker.errors import ApiUnavailable, OutcomeUnknown, SettingsError

MAX_BODY = 64 * 1024


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

    left: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said: at most the first 64 KiB of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")


@asynccontextmanager
async def pooled(access: Access) -> AsyncIterator["Http"]:
    """Cookies are not kept: a session cookie would outlive the renewal of the session header."""
    connector = aiohttp.TCPConnector(
        limit=access.pool_size,
        limit_per_host=access.pool_size,
        keepalive_timeout=access.keepalive_timeout,
        ssl=_trust(access.ca_file),
    )
    timeout = aiohttp.ClientTimeout(
        total=access.connect_timeout + access.request_timeout,
        sock_connect=access.connect_timeout,
        sock_read=access.request_timeout,
    )
    headers = {"Accept": access.content_type, "Accept-Language": access.accept_language}
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[_tracing()],
        auto_decompress=True,
    ) as session:
        yield Http(session)


class Http:
    """Requests that never follow a redirect and always say whether they left."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, url: URL, headers: dict[str, str], body: bytes | None = None) -> Answer:
        """Raises ApiUnavailable when nothing was sent, OutcomeUnknown when something was and no answer came."""
        sending = Sending()
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False, trace_request_ctx=sending
            ) as response:
                return Answer(response.status, response.headers, await _start_of(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if sending.left:
                raise OutcomeUnknown(f"no answer from {url.origin()}: {type(error).__name__}") from error
            raise ApiUnavailable(f"cannot reach {url.origin()}: {_why(error)}") from error


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    """The body is for diagnosis only: one that breaks off or cannot be decoded takes nothing from the answer."""
    body = b""
    try:
        while len(body) < MAX_BODY and (chunk := await response.content.read(MAX_BODY - len(body))):
            body += chunk
    except (aiohttp.ClientError, TimeoutError, OSError):
        response.close()
    if not response.content.at_eof():
        response.close()
    return body


def _tracing() -> aiohttp.TraceConfig:
    async def headers_sent(
        _: aiohttp.ClientSession, context: SimpleNamespace, __: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        context.trace_request_ctx.left = True

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(headers_sent)
    return tracing


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"WORKER_API__CA_FILE {ca_file}: {error}") from None


def _why(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return f"TLS: {error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error}"
        case aiohttp.ClientConnectorDNSError():
            return "no such host"
        case aiohttp.ClientConnectorError(os_error=cause):
            return cause.strerror or type(cause).__name__
        case _:
            return type(error).__name__
