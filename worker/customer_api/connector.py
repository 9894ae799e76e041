"""Pooled TLS connections to the API, read so that a broken body cannot hide the status before it."""

import asyncio
import os
import ssl
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from yarl import URL

from worker import tls
from worker.customer_api.access import Access
from worker.customer_api.proxy import Proxy, refusal

MAX_HEAD = 64 * 1024
"""Bytes of an answer's head: gateways may add a policy of ten thousand to it, and the status must not be lost."""
MAX_LINES = 512
END = b"\r\n\r\n"
OUR_CERTIFICATE = "WORKER_API__CERT_FILE and WORKER_API__KEY_FILE"
OF_OUR_CERTIFICATE = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "TLSV1_ALERT_UNKNOWN_CA",
    "TLSV1_ALERT_ACCESS_DENIED",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
}
"""OpenSSL's names of the alerts by which a server refuses a client's certificate."""


class HeadTooLong(aiohttp.ClientConnectionError):
    """The answer's head is too long to be read; its connection is closed."""


class Unasked(aiohttp.ClientConnectionError):
    """An answer came that no request of ours asked for; its connection is closed."""


class HeadFirst(ResponseHandler):
    """Gives aiohttp's parser an answer's head by itself, bounds the head's size, and takes one answer for each request.

    aiohttp (3.14) loses the head where a broken body comes in one piece with it, and so the news of a customer that
    exists. And it keeps what comes on an idle connection as the answer to the next request: a creation would be given
    the answer to another call, without having left, or before it was carried out.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._of_head: int | None = 0
        self._last = b""
        self._asked = True

    def ask_for_nothing(self) -> None:
        """A request is about to be sent: until then nothing may come."""
        self._asked = False

    def ask(self) -> None:
        """The request is sent: one answer may come."""
        self._asked = True

    def set_response_params(self, **given: Any) -> None:  # noqa: ANN401  as aiohttp gives them
        """aiohttp calls this for a request that is sent: what comes next is the head of its answer."""
        self._of_head, self._last = 0, b""
        super().set_response_params(**given)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        """The parser calls this with a whole head; the head of an interim answer is followed by another."""
        if not self._asked:
            self._give_up(Unasked("another answer behind the first"))
            return
        if data[0].code >= 200:
            self._of_head, self._asked = None, False
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Give the parser what came up to the end of the head, then the rest; the end may be split between pieces."""
        if data and not self._asked and (self._payload is None or self._payload.is_eof()):
            self._give_up(Unasked("an answer to no request"))
            return
        if self._of_head is None or not data:
            super().data_received(data)
            return
        seen = self._last + data
        end = seen.find(END)
        cut = len(data) if end < 0 else end + len(END) - len(self._last)
        self._last = seen[-len(END) + 1 :] if end < 0 else b""
        self._of_head += cut
        if self._of_head > MAX_HEAD:
            self._give_up(HeadTooLong(f"longer than {MAX_HEAD} bytes"))
            return
        super().data_received(data[:cut])
        if data[cut:]:
            self.data_received(data[cut:])

    def _give_up(self, why: Exception) -> None:
        if self.transport is not None:
            self.transport.close()
        self.set_exception(why)


class Connector(aiohttp.TCPConnector):
    """Trusts a proxy by certificate authorities of its own, and shows it no client certificate: that is for the API."""

    def __init__(self, proxy: Proxy | None, **given: Any) -> None:  # noqa: ANN401  as aiohttp takes them
        super().__init__(**given)
        self._proxy = URL(proxy.url) if proxy else None
        self._to_proxy = tls.context("WORKER_API__PROXY_", proxy.ca_file) if proxy and proxy.over_tls else None
        self._factory = partial(_protocol, loop=asyncio.get_running_loop())  # there is no public way

    def _get_ssl_context(self, req: aiohttp.ClientRequest) -> ssl.SSLContext | None:
        """The TLS context for a connection; of a tunnel's two handshakes the first is with the proxy."""
        return self._to_proxy if req.is_ssl() and req.url == self._proxy else super()._get_ssl_context(req)


def _protocol(*, loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return HeadFirst(loop)


def connector(access: Access) -> Connector:
    """A pool of at most `pool_size` connections. Raises SettingsError for a file that cannot be used."""
    files = (access.ca_file, access.cert_file, access.key_file)
    # Without a tunnel a proxy may close after any answer, unannounced: a POST on its way then would be a doubt.
    once = access.proxy is not None and URL(access.base_url).scheme == "http"
    return Connector(
        access.proxy,
        limit=access.pool_size,
        limit_per_host=access.pool_size,
        force_close=once,
        keepalive_timeout=None if once else access.keepalive_timeout,
        ssl=tls.context("WORKER_API__", *files) if any(files) else True,
    )


def unreached(error: Exception, proxy: Proxy | None) -> str:
    """What kept us from connecting, and where to; without the address, which holds personal data in a search."""
    if proxy is None:
        return f": {why(error)}"
    match error:
        case aiohttp.ClientHttpProxyError(status=status):
            told = refusal(status)
        case aiohttp.ClientConnectorError() if proxy.met(error):
            told = f"it cannot be used: {why(error, 'WORKER_API__PROXY', 'WORKER_API__PROXY_CA_FILE')}"
        case _:
            told = why(error)
    return f" through the proxy {proxy.url}: {told}"


def why(error: Exception, address: str = "WORKER_API__BASE_URL", ca_file: str = "WORKER_API__CA_FILE") -> str:
    """What kept us from connecting; `address` and `ca_file` are the settings of the side that was connected to."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            said = str(getattr(cause, "verify_message", type(cause).__name__)).rstrip(".")
            return f"TLS: {said} (see {address if 'mismatch' in said else ca_file})"
        case aiohttp.ClientConnectorSSLError(os_error=cause):
            reason = str(getattr(cause, "reason", None) or type(cause).__name__)
            return f"TLS: {reason} (see {OUR_CERTIFICATE if reason in OF_OUR_CERTIFICATE else address})"
        case aiohttp.ClientConnectorDNSError():
            return "no such host"
        case aiohttp.ClientConnectorError(os_error=cause):
            return os.strerror(cause.errno) if cause.errno else type(cause).__name__
        case _:
            return type(error).__name__


def refused_certificate(error: Exception) -> str | None:
    """The TLS alert by which the API refused our certificate, or the lack of one; None for other errors.

    With TLS 1.3 our side of the handshake ends before the server has judged our certificate. A request may have been
    written by then, but the server never reads it.
    """
    reason = getattr(error.__cause__, "reason", None)
    return f"TLS: {reason} (see {OUR_CERTIFICATE})" if reason in OF_OUR_CERTIFICATE else None
