"""Pooled connections to the API, trusted, and read so that a broken body cannot hide the status before it."""

import asyncio
import os
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

from worker.model.errors import SettingsError

MAX_HEAD = 64 * 1024
"""Bytes of an answer's head: gateways add a policy of ten thousand to it, and the news in it must not be lost."""
MAX_LINES = 512
END = b"\r\n\r\n"


class HeadTooLong(aiohttp.ClientConnectionError):
    """The answer cannot be read; its connection is closed."""


class HeadFirst(ResponseHandler):
    """Gives the parser the head of an answer by itself, and bounds it as a whole.

    Met in one piece with the head, a broken body would take the head with it (aiohttp 3.14), and so the news of a
    customer that exists.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._of_head: int | None = 0
        self._last = b""

    def set_response_params(self, **given: Any) -> None:  # noqa: ANN401  as aiohttp gives them
        """A request leaves: what comes next is the head of its answer."""
        self._of_head, self._last = 0, b""
        super().set_response_params(**given)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        """The parser has a whole head; one of an interim answer is followed by another."""
        if data[0].code >= 200:
            self._of_head = None
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Cut at the first end of a head: a stream may be cut anywhere, also within that end."""
        if self._of_head is None or not data:
            super().data_received(data)
            return
        seen = self._last + data
        end = seen.find(END)
        cut = len(data) if end < 0 else end + len(END) - len(self._last)
        self._last = seen[-len(END) + 1 :] if end < 0 else b""
        self._of_head += cut
        if self._of_head > MAX_HEAD:
            self._give_up()
            return
        super().data_received(data[:cut])
        if data[cut:]:
            self.data_received(data[cut:])

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.close()
        self.set_exception(HeadTooLong(f"longer than {MAX_HEAD} bytes"))


def connector(pool_size: int, keepalive_timeout: float, ca_file: Path | None) -> aiohttp.TCPConnector:
    """At most `pool_size` connections; raises SettingsError for a CA file that cannot be used."""
    made = aiohttp.TCPConnector(
        limit=pool_size,
        limit_per_host=pool_size,
        keepalive_timeout=keepalive_timeout,
        ssl=trusted(ca_file) if ca_file else True,
    )
    made._factory = partial(_protocol, loop=asyncio.get_running_loop())  # noqa: SLF001 - there is no public way
    return made


def _protocol(*, loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return HeadFirst(loop)


def why(error: Exception) -> str:
    """What kept us from connecting, without the address (a search's holds personal data)."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=cause):
            said = str(getattr(cause, "verify_message", type(cause).__name__)).rstrip(".")
            return f"TLS: {said} (see {'WORKER_API__BASE_URL' if 'mismatch' in said else 'WORKER_API__CA_FILE'})"
        case aiohttp.ClientConnectorSSLError(os_error=cause):
            return f"TLS: {getattr(cause, 'reason', None) or type(cause).__name__} (see WORKER_API__BASE_URL)"
        case aiohttp.ClientConnectorDNSError():
            return "no such host"
        case aiohttp.ClientConnectorError(os_error=cause):
            return os.strerror(cause.errno) if cause.errno else type(cause).__name__
        case _:
            return type(error).__name__


def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Whom we believe to be the API: the certificates in that file, or the system's."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"WORKER_API__CA_FILE {ca_file}: {error}") from None
