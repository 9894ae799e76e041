"""The API's double of a day, a process: `-m bench.soaking.api LEDGER EVENTS SECONDS PAGE`.

It does as the day's mood says, carries out what it says that it did and some of what it does not say, and writes down
each customer before it answers. A session ends with its quarter of the day.
"""

import asyncio
import random
import re
import sys
import time
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final

import uvloop
from bench.responder import CREATED, NO_CONTENT, Connection, Place, numbers
from bench.soaking.day import Day, Mood
from bench.soaking.ledger import Ledger
from bench.soaking.stream import is_rejected

ATTRIBUTE: Final = "externalid"
NUMBER = re.compile(rb'"firstName":"n([0-9]+)"')
EVENT = re.compile(rb'"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
SOUGHT = re.compile(rb"custom\.externalid=([0-9a-f-]{36})")
SAID = b"HTTP/1.1 %d Said\r\n%bContent-Length: %d\r\n\r\n%b"
LOGGED_IN = b"HTTP/1.1 204 No Content\r\nX-egain-session: %b\r\nContent-Length: 0\r\n\r\n"
NOT_NOW = SAID % (503, b"Retry-After: 1\r\n", 0, b"")
ERROR = b'{"code":"%d-101","developerMessage":"as the day has it"}'
FOUND = b'{"customer":[{"id":"%d"}]}'
FIRST_ID = 280_000
LOOK = 0.05
QUICK = 0.005
SESSION_HOURS = 6


class Counted(IntEnum):
    """Where else something stands in the page: when the day began, and what has happened since."""

    BEGAN, REFUSED, LOST, BROKEN, REJECTED, EXPIRED, SEARCHES, FOUND = range(10, 18)


class Api:
    """What all connections share."""

    def __init__(self, day: Day, ledger: Ledger, shared: memoryview) -> None:
        self.day, self.ledger, self.shared = day, ledger, shared
        self.created: dict[bytes, int] = {}
        self.connections: set[Answering] = set()
        self._next = FIRST_ID

    @property
    def passed(self) -> float:
        """Seconds since the day began."""
        began = self.shared[Counted.BEGAN]
        return (time.monotonic_ns() - began) / 1e9 if began else 0.0

    def mood(self) -> Mood:
        return self.day.mood(self.passed)

    def session(self) -> bytes:
        """The one that is good now."""
        return b"soak-%d" % (self.day.clock(self.passed) // SESSION_HOURS)

    def create(self, number: int, event: bytes) -> int:
        """One more customer, written down."""
        self._next += 1
        self.ledger.create(number, self._next)
        self.created[event] = self._next
        self.shared[Place.CREATES] += 1
        return self._next

    def count(self, what: Counted) -> None:
        self.shared[what] += 1


class Answering(Connection):
    """One connection."""

    def __init__(self, api: Api) -> None:
        super().__init__(api.shared, iter(()))
        self._api = api

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._api.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._api.connections.discard(self)

    def cut(self) -> None:
        """Without an answer."""
        self._transport.abort()

    def _answer(self, head: bytes, body: bytes) -> None:
        mood = self._api.mood()
        if mood.closed or random.random() < mood.refused:  # noqa: S311  no secret
            self._api.count(Counted.REFUSED)
            self._later(QUICK, NOT_NOW)
        elif b"/user/login" in head:
            self._shared[Place.LOGINS] += 1
            self._later(QUICK, LOGGED_IN % self._api.session())
        elif b"x-egain-session: " + self._api.session() not in head:
            self._api.count(Counted.EXPIRED)
            self._later(QUICK, _error(401))
        elif head.startswith(b"post"):
            self._asked(mood, body)
        elif sought := SOUGHT.search(head):
            self._search(mood, sought[1])
        else:
            self._later(QUICK, NO_CONTENT)

    def _asked(self, mood: Mood, body: bytes) -> None:
        number, event = NUMBER.search(body), EVENT.search(body)
        if number is None or event is None or is_rejected(int(number[1])):
            self._api.count(Counted.REJECTED)
            self._later(_seconds(mood), _error(400))
            return
        self._created(mood, self._api.create(int(number[1]), event[1]))

    def _created(self, mood: Mood, customer: int) -> None:
        drawn = random.random()  # noqa: S311  no secret
        if drawn < mood.lost:
            self._api.count(Counted.LOST)
            asyncio.get_running_loop().call_later(_seconds(mood), self.cut)
        elif drawn < mood.lost + mood.broken:
            self._api.count(Counted.BROKEN)
            self._later(_seconds(mood), _error(500))
        else:
            self._later(_seconds(mood), CREATED % customer)

    def _search(self, mood: Mood, event: bytes) -> None:
        self._api.count(Counted.SEARCHES)
        customer = self._api.created.get(event)
        if customer is None:
            self._later(_seconds(mood), NO_CONTENT)
            return
        self._api.count(Counted.FOUND)
        body = FOUND % customer
        self._later(_seconds(mood), SAID % (200, b"Content-Type: application/json\r\n", len(body), body))

    def _later(self, seconds: float, answer: bytes) -> None:
        asyncio.get_running_loop().call_later(seconds, self._say, answer)


def _error(status: int) -> bytes:
    body = ERROR % status
    return SAID % (status, b"Content-Type: application/json\r\n", len(body), body)


def _seconds(mood: Mood) -> float:
    """One in a hundred takes five times as long."""
    longer = 5.0 if random.random() < 0.01 else 1.0  # noqa: S311  no secret
    return mood.latency * random.uniform(0.7, 1.3) * longer  # noqa: S311  no secret


async def serve(api: Api) -> None:
    """Until the process is ended; the port is in the page, and stays the same while nobody listens."""
    server = await _listening(lambda: Answering(api), 0)
    port = api.shared[Place.PORT] = server.sockets[0].getsockname()[1]
    while True:
        await _until(lambda: api.mood().closed == "gone")
        server.close()
        for each in list(api.connections):
            each.cut()
        await _until(lambda: api.mood().closed != "gone")
        server = await _listening(lambda: Answering(api), port)


async def _listening(make: Callable[[], Answering], port: int) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(make, "127.0.0.1", port, backlog=1024)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(LOOK)


def main() -> None:
    """The process."""
    ledger, events, seconds, page = sys.argv[1:]
    day = Day(int(events), float(seconds))
    uvloop.run(serve(Api(day, Ledger.opened(Path(ledger), int(events)), numbers(Path(page)))))


if __name__ == "__main__":
    main()
