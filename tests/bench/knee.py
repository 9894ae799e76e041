"""The API's double with a knee, a process: `knee.py FILE`. Beyond some calls at once it grows slower, then refuses.

The page that it shares with the bench has, beside what the responder's has, how many calls are served at once without
growing slower, beyond how many one is refused (0: none of both), and creations by the hundredths of a second that they
took.
"""

import asyncio
import sys
from collections.abc import Iterator
from enum import IntEnum
from itertools import count
from pathlib import Path

import uvloop
from bench.responder import CREATED, Connection, Place, numbers

NO_ROOM = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
REFUSED_AFTER = 0.005
STEPS, PER_SECOND = 480, 100


class More(IntEnum):
    """Where the rest stands in the page; from `TOOK` on it is creations by what they took."""

    KNEE, MOST, REFUSED, TOOK = 10, 11, 12, 16


class Serving:
    """All calls together."""

    def __init__(self, shared: memoryview) -> None:
        self.shared = shared
        self.in_flight = 0

    def begin(self) -> float | None:
        """The seconds that one more takes; None where there is no room for it."""
        shared = self.shared
        if shared[More.MOST] and self.in_flight >= shared[More.MOST]:
            shared[More.REFUSED] += 1
            return None
        self.in_flight += 1
        longer = self.in_flight / shared[More.KNEE] if shared[More.KNEE] else 1.0
        seconds = shared[Place.LATENCY] / 1e9 * max(1.0, longer)
        shared[More.TOOK + min(STEPS - 1, int(seconds * PER_SECOND))] += 1
        return seconds

    def end(self) -> None:
        """It is answered."""
        self.in_flight -= 1


class Kneed(Connection):
    """Answers as the responder does, but for when."""

    def __init__(self, serving: Serving, ids: Iterator[int]) -> None:
        super().__init__(serving.shared, ids)
        self._serving = serving

    def _create(self) -> None:
        loop = asyncio.get_running_loop()
        if (seconds := self._serving.begin()) is None:
            loop.call_later(REFUSED_AFTER, self._say, NO_ROOM)
        else:
            loop.call_later(seconds, self._created)

    def _created(self) -> None:
        self._serving.end()
        self._shared[Place.CREATES] += 1
        self._say(CREATED % next(self._ids))


async def serve(file: Path) -> None:
    """Until the process is ended; its port is in the page."""
    serving, ids = Serving(numbers(file)), count(280_000)
    server = await asyncio.get_running_loop().create_server(lambda: Kneed(serving, ids), "127.0.0.1", 0)
    serving.shared[Place.PORT] = server.sockets[0].getsockname()[1]
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
