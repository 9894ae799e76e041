"""A fake API on a bare socket: it answers well, except where a test's script says otherwise."""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import attrs
from patience import PATIENCE

from worker.customer_api import Access, Credentials, customer_api
from worker.model.commands import CreateCustomer, Request, Traits

CREATED = b"HTTP/1.1 201 Created\r\nLocation: /system/ws/v12/interaction/customer/2801\r\nContent-Length: 0\r\n\r\n"
LOGGED_IN = b"HTTP/1.1 204 No Content\r\nX-egain-session: s1\r\nConnection: close\r\n\r\n"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
CREDENTIALS = Credentials("user", "secret")
INDIVIDUAL = Traits("individual")
SMALL = CreateCustomer(Request("test", "1"), INDIVIDUAL, b"{}")


@dataclass(slots=True)
class Peer:
    """One connection, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: "Misbehaving"

    async def head(self) -> bytes:
        """Read a request's head; its first line is kept in `requests`."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.server.requests.append(head.partition(b"\r\n")[0].decode())
        return head

    async def request(self) -> bytes:
        """Read a whole request; returns its head."""
        head = await self.head()
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await self.reader.readexactly(int(lengths[0]) if lengths else 0)
        return head

    async def say(self, *pieces: bytes) -> None:
        """Write the pieces, each in a packet of its own."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.02)  # else the kernel may join them
            self.writer.write(piece)
            await self.writer.drain()

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Close the connection with a TCP reset."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Behaviour = Callable[[Peer], Awaitable[None]]


@dataclass(slots=True)
class Misbehaving:
    """Each behaviour in `script` gets one connection, in order, which is closed when the behaviour ends.

    A login's answer closes its connection, so that the next call has a new one.
    """

    script: deque[Behaviour] = field(default_factory=deque)
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    alive: set[asyncio.Task[None]] = field(default_factory=set)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def created(self) -> int:
        """How many creations have arrived, at least with their heads."""
        return sum(line.startswith("POST") and line.split()[1].endswith("/customer") for line in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection by the next behaviour."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.alive.add(task)
        behaviour = self.script.popleft() if self.script else well
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await behaviour(Peer(reader, writer, self))
        self.alive.discard(task)
        writer.close()


async def well(peer: Peer) -> None:
    """Answer every request as the API should."""
    while True:
        head = await peer.request()
        login = b"/user/login" in head
        await peer.say(LOGGED_IN if login else CREATED if head.startswith(b"POST") else DONE)
        if login:
            return


def saying(*pieces: bytes) -> Behaviour:
    """Read a request, write that, and close."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.say(*pieces)

    return behave


def answering(*pieces: bytes) -> Behaviour:
    """Read a request, write that, and answer well from then on."""

    async def behave(peer: Peer) -> None:
        await saying(*pieces)(peer)
        await well(peer)

    return behave


def holding_on(*pieces: bytes) -> Behaviour:
    """Read a request, write that, and wait until the client closes."""

    async def behave(peer: Peer) -> None:
        await saying(*pieces)(peer)
        await peer.gone()

    return behave


@asynccontextmanager
async def misbehaving(*script: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Misbehaving]:
    """Serve until the block ends, then close every connection."""
    server = Misbehaving(deque(script))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    listening = await asyncio.start_server(server.serve, sock=listener, ssl=tls, limit=16 * 1024)
    server.port = listener.getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in server.alive:
            task.cancel()
        await asyncio.gather(*server.alive, return_exceptions=True)


@asynccontextmanager
async def logged_in(*script: Behaviour, pool_size: int = 2) -> AsyncIterator[tuple[Any, Misbehaving]]:
    """(a client that is logged in and has no open connection, the server); `script` is for the calls that follow.

    Typed as Any, since tests look at its private parts.
    """
    async with misbehaving() as server:
        access = Access(server.url, connect_timeout=PATIENCE, request_timeout=PATIENCE, pool_size=pool_size)
        async with customer_api(access, CREDENTIALS) as api:
            await api.log_in()
            server.script.extend(script)
            yield api, server


@contextmanager
def giving_up_early(api: Any, *, answer: float = PATIENCE, connect: float = PATIENCE) -> Iterator[None]:
    """Calls in this block have these shorter limits for an answer and for a connection; all others keep theirs."""
    session = api._http._session
    patient = session._timeout, api._http._within
    session._timeout, api._http._within = attrs.evolve(patient[0], connect=connect), answer
    yield
    session._timeout, api._http._within = patient
