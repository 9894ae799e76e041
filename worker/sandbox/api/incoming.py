"""One call on its way through the sandbox."""

import asyncio
import socket
import struct
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.web_request import BaseRequest

from worker.sandbox.api.answers import Format, Refused, error
from worker.sandbox.api.config import MAX_BODY_BYTES
from worker.sandbox.api.sessions import Session

READ_SECONDS = 30.0
LOOK_SECONDS = 0.2

_FORMATS: dict[str, Format] = {
    "application/json": "json",
    "application/xml": "xml",
    "application/*": "xml",
    "*/*": "xml",
}


class Dropped(Exception):
    """Raised to close the connection without an answer.

    `execution` is the sequence of what was executed, if anything.
    """

    def __init__(self, execution: int | None = None, *, reset: bool = False) -> None:
        super().__init__("dropped")
        self.execution = execution
        self.reset = reset


@dataclass(slots=True)
class Incoming:
    """A request, and what has become known of it so far."""

    request: BaseRequest
    stopping: asyncio.Event
    session: Session | None = None
    fault: str | None = None
    customer_id: int | None = None
    form: Format = field(init=False)

    def __post_init__(self) -> None:
        self.form = self.accepted or "xml"

    @property
    def accepted(self) -> Format | None:
        """The first format in `Accept` that the API knows, XML by default; None when it knows none of them."""
        wishes = self.request.headers.get("Accept", "*/*").split(",")
        known = (_FORMATS.get(wish.partition(";")[0].strip().lower()) for wish in wishes)
        return next(filter(None, known), None)

    @property
    def content_format(self) -> Format | None:
        """The format that `Content-Type` names; None for one that the API does not know."""
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return _FORMATS.get(media_type) if "*" not in media_type else None

    @property
    def client_has_gone(self) -> bool:
        """Whether the client has closed the connection."""
        transport = self.request.transport
        return transport is None or transport.is_closing()

    async def read(self) -> bytes:
        """Return the body.

        Raises `Refused` if it is too large or too slow, `Dropped` if the client leaves meanwhile.
        """
        if self.request.headers.get("Expect", "").lower() == "100-continue":
            self._send_now(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self.request.read()
        except web.HTTPRequestEntityTooLarge:
            message = f"the body is larger than {MAX_BODY_BYTES} bytes"
            raise Refused(error(self.form, 413, message)) from None
        except TimeoutError:
            raise Refused(error(self.form, 408, "the body did not come in time")) from None
        except (web.RequestPayloadError, OSError):
            raise Dropped from None

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds, even if the client leaves; raises `Dropped` if the sandbox stops meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return
        raise Dropped

    async def hang(self) -> None:
        """Wait until the client has gone; raises `Dropped` if the sandbox stops before."""
        while not self.client_has_gone:
            await self.pause(LOOK_SECONDS)

    def drop(self, *, reset: bool) -> None:
        """Close the connection now and discard what was not sent yet; `reset` makes it a TCP reset."""
        transport = self.request.transport
        if transport is None:
            return
        opened: socket.socket | None = transport.get_extra_info("socket")
        if reset and opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def trickle(self, raw: bytes, seconds: float) -> bool:
        """Send these bytes one by one within so many seconds, then close.

        Return whether the client stayed to the end.
        """
        for byte in raw:
            if self.client_has_gone:
                return False
            self._send_now(bytes([byte]))
            await self.pause(seconds / len(raw))
        if self.request.transport is not None:
            self.request.transport.close()
        return True

    def _send_now(self, raw: bytes) -> None:
        if self.request.transport is not None:
            self.request.transport.write(raw)


def negotiated(call: Incoming) -> Format:
    """The format of the body; raises `Refused` if the API does not know what `Accept` or `Content-Type` names."""
    if call.accepted is None:
        raise Refused(error("xml", 406, "Accept must be application/json or application/xml"))
    if call.content_format is None or call.request.headers.get("Content-Encoding"):
        raise Refused(error(call.form, 415, "Content-Type must be application/json or application/xml, not encoded"))
    return call.content_format
