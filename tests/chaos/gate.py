"""The way to the API: it can be shut, and it remembers every creation that went through and what was answered."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"
_TRACE = re.compile(rb"traceparent: ?[0-9a-f]{2}-([0-9a-f]{32})-", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_LOCATION = re.compile(rb"\r\nlocation: ?\S*/[0-9]+(\r\n|$)", re.IGNORECASE)
_CHUNK = 65_536
_LONGEST_MARK = 100
"""A header that is cut by a chunk's end is found together with the next one."""


@dataclass(slots=True)
class Call:
    """One creation as it went by, in seconds since the epoch; `status` is None while nothing came back.

    `located`: the answer says where the customer is, by an id.
    """

    trace: str
    arrived: float
    status: int | None = None
    answered: float | None = None
    located: bool = False


@dataclass(slots=True)
class Passage:
    """One connection's bytes, looked at in both directions."""

    calls: list[Call]
    _asked: bytes = b""
    _said: bytes = b""
    _open: Call | None = None

    def asked(self, chunk: bytes) -> None:
        """Bytes of the client."""
        self._asked += chunk
        for found in _TRACE.finditer(self._asked):
            self._open, self._said = Call(found[1].decode(), time.time()), b""
            self.calls.append(self._open)
            self._asked = self._asked[found.end() :]
        self._asked = self._asked[-_LONGEST_MARK:]

    def said(self, chunk: bytes) -> None:
        """Bytes of the API: an answer counts when its head is whole."""
        if self._open is None:
            return
        self._said += chunk
        head, end, _ = self._said.partition(b"\r\n\r\n")
        if end and (status := _STATUS.match(head)):
            self._open.status, self._open.answered = int(status[1]), time.time()
            self._open.located = _LOCATION.search(head) is not None
            self._open = None


@dataclass(slots=True)
class Gate:
    """Passes bytes on to `port`; its own port stays the same, open or shut."""

    to: int
    calls: list[Call] = field(default_factory=list)
    breaks: set[bytes] = field(default_factory=set)
    """A connection on which one of these comes from the client is ended."""
    port: int = 0
    _listening: asyncio.Server | None = None
    _passing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where the API is for the workers."""
        return f"http://{HOST}:{self.port}"

    async def open(self) -> None:
        """Take connections."""
        self._listening = await asyncio.start_server(self._serve, HOST, self.port, backlog=1024)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse connections, and end those there are, whatever is under way in them."""
        if self._listening:
            self._listening.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            # A shut gate cancels; whatever ends it, both sides are told in `finally`.
            with suppress(OSError, asyncio.CancelledError):
                await self._pass_on(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()
            self._passing.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_api, to_api = await asyncio.open_connection(HOST, self.to)
        passage = Passage(self.calls)

        def asked(chunk: bytes) -> None:
            if any(each in chunk for each in self.breaks):
                raise ConnectionResetError
            passage.asked(chunk)

        both = [
            asyncio.ensure_future(_pump(reader, to_api, asked)),
            asyncio.ensure_future(_pump(from_api, writer, passage.said)),
        ]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        finally:
            for each in both:
                each.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            to_api.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]) -> None:
    while chunk := await reader.read(_CHUNK):
        look(chunk)
        writer.write(chunk)
        await writer.drain()


@asynccontextmanager
async def gate_to(port: int) -> AsyncIterator[Gate]:
    """An open gate; shut in the end."""
    gate = Gate(port)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.shut()
