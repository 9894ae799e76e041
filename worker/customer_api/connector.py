"""Pooled connections to the API, trusted, and read so that a broken body cannot hide the status before it."""

import asyncio
import os
import ssl
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp.client_proto import ResponseHandler

from worker.errors import SettingsError


class HeadFirst(ResponseHandler):
    """Gives the parser the head of an answer by itself.

    Met in one piece with the head, a broken body would take the head with it (aiohttp 3.14), and so the news of a
    customer that exists.
    """

    def data_received(self, data: bytes) -> None:
        """Cut at the first end of a head: a stream may be cut anywhere."""
        head, end, rest = data.partition(b"\r\n\r\n")
        super().data_received(head + end)
        if rest:
            super().data_received(rest)


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
