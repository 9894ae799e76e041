"""Reads the TLS certificate that the API presents."""

import asyncio
import ssl
from typing import NoReturn

from worker.customer_api.access import Access
from worker.customer_api.http import UNDER_WAY, pooled
from worker.model.errors import ApiUnavailable


class Connected(Exception):
    """There is a connection; nothing was sent over it."""

    def __init__(self, over: asyncio.BaseTransport | None) -> None:
        super().__init__()
        self.over = over


async def certificate(access: Access) -> tuple[str, float]:
    """The TLS version and the end (seconds since the epoch) of a trusted certificate. Raises ApiUnavailable."""
    async with pooled(access) as http:
        try:
            await http.request("GET", access.url(""), {}, before_sending=_go_no_further)
        except Connected as connected:
            return _presented(connected.over)
    raise AssertionError("a request has left that was to be stopped")


def _go_no_further() -> NoReturn:
    raise Connected(UNDER_WAY.get().over)


def _presented(over: asyncio.BaseTransport | None) -> tuple[str, float]:
    spoken = over.get_extra_info("ssl_object") if over else None
    if not isinstance(spoken, ssl.SSLObject):
        raise ApiUnavailable("the connection was closed as soon as it was there")
    presented = spoken.getpeercert() or {}
    return spoken.version() or "TLS", float(ssl.cert_time_to_seconds(str(presented["notAfter"])))
