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
    """The call gets no answer: its connection ends. `execution` is what it did all the same."""

    def __init__(self, execution: int | None = None, *, reset: bool = False) -> None:
        super().__init__("dropped")
        self.execution = execution
        self.reset = reset


@dataclass(slots=True)
class Incoming:
    """A request, and what became known of it."""

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
        """The format to answer in; without a wish it is XML, as the API's own default."""
        wishes = self.request.headers.get("Accept", "*/*").split(",")
        known = (_FORMATS.get(wish.partition(";")[0].strip().lower()) for wish in wishes)
        return next(filter(None, known), None)

    @property
    def content_format(self) -> Format | None:
        """The format that the client says the body is in."""
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return _FORMATS.get(media_type) if "*" not in media_type else None

    @property
    def client_has_gone(self) -> bool:
        """Whether nobody is there to be answered."""
        transport = self.request.transport
        return transport is None or transport.is_closing()

    async def read(self) -> bytes:
        """The body; too large or too slow is refused, a client that leaves meanwhile is dropped."""
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
        """Wait, whether or not the client does; dropped when the sandbox stops meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return
        raise Dropped

    async def hang(self) -> None:
        """Return once the client has gone; dropped when the sandbox stops before."""
        while not self.client_has_gone:
            await self.pause(LOOK_SECONDS)

    def drop(self, *, reset: bool) -> None:
        """End the connection now, with what was not sent yet; `reset` makes it a TCP reset."""
        transport = self.request.transport
        if transport is None:
            return
        opened: socket.socket | None = transport.get_extra_info("socket")
        if reset and opened is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def trickle(self, raw: bytes, seconds: float) -> bool:
        """Send these bytes one by one within that time, then close; whether the client was there to the end."""
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
    """The format of the body, when both headers say something that the API knows."""
    if call.accepted is None:
        raise Refused(error("xml", 406, "Accept must be application/json or application/xml"))
    if call.content_format is None or call.request.headers.get("Content-Encoding"):
        raise Refused(error(call.form, 415, "Content-Type must be application/json or application/xml, not encoded"))
    return call.content_format
