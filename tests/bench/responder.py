"""What responder.c does, for machines without a compiler: `responder.py FILE`, the page shared with the bench."""

import asyncio
import mmap
import sys
import time
from collections.abc import Iterator
from enum import IntEnum
from itertools import count
from pathlib import Path
from typing import cast

import uvloop

PAGE = 4096
CREATED = b"HTTP/1.1 201 Created\r\nLocation: /system/ws/v12/interaction/customer/%d\r\nContent-Length: 0\r\n\r\n"
LOGGED_IN = b"HTTP/1.1 204 No Content\r\nX-egain-session: bench\r\nContent-Length: 0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Place(IntEnum):
    """Where each number stands in the page; times are nanoseconds of the monotonic clock."""

    LATENCY, CREATES, LOGINS, FIRST, LAST, GAP, CONNECTIONS, PORT = range(8)


def numbers(file: Path) -> memoryview:
    """The page as 64-bit numbers, shared by all who open it."""
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), PAGE)).cast("Q")


class Connection(asyncio.Protocol):
    """Keep-alive HTTP/1.1 with a Content-Length; one request at a time."""

    def __init__(self, shared: memoryview, ids: Iterator[int]) -> None:
        self._shared = shared
        self._ids = ids
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._shared[Place.CONNECTIONS] += 1

    def connection_lost(self, _: Exception | None) -> None:
        self._shared[Place.CONNECTIONS] -= 1

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
            if len(self._read) < end + 4 + length:
                return
            body = self._read[end + 4 : end + 4 + length]
            self._read = self._read[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, _: bytes) -> None:
        if not head.startswith(b"post"):
            self._transport.write(NO_CONTENT)
        elif b"/user/login" in head:
            self._shared[Place.LOGINS] += 1
            self._transport.write(LOGGED_IN)
        else:
            self._create()

    def _say(self, answer: bytes) -> None:
        """Unless nobody listens any more."""
        if not self._transport.is_closing():
            self._transport.write(answer)

    def _create(self) -> None:
        shared, at = self._shared, time.monotonic_ns()
        if not shared[Place.FIRST]:
            shared[Place.FIRST] = at
        elif at - shared[Place.LAST] > shared[Place.GAP]:
            shared[Place.GAP] = at - shared[Place.LAST]
        shared[Place.LAST] = at
        shared[Place.CREATES] += 1
        answer = CREATED % next(self._ids)
        if latency := shared[Place.LATENCY]:
            asyncio.get_running_loop().call_later(latency / 1e9, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def serve(file: Path) -> None:
    """Until the process is ended; its port is in the page."""
    shared, ids = numbers(file), count(280_000)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(shared, ids), "127.0.0.1", 0)
    shared[Place.PORT] = server.sockets[0].getsockname()[1]
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
