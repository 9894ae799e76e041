"""What is asked of the API during a hold before a record is risked, and how a hold ends where there is no record."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from worker.background import background
from worker.creation.holds import Holds

LOOKED_AFTER_EVERY: Final = 0.5


class Answering(Protocol):
    """Calls that create nothing; both raise ApiUnavailable and LoginRefused."""

    async def log_in_anew(self) -> None: ...
    async def answer(self) -> None: ...


async def ask_first(holds: Holds, api: Answering) -> None:
    """Return where the API answers at all: an outage that leaves POSTs unknown must not be probed with POSTs.

    In a flood it logs in anew first: what looks like refusals of nearly all customers may be a session that has died
    and is sent to a login page.
    """
    if holds.flooded:
        await api.log_in_anew()
    await api.answer()


async def look_after(holds: Holds, api: Answering, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
    """End holds about the API that no record is there to probe; runs until it is cancelled.

    The records that failed may all have been parked, or have gone to another worker with their partitions.
    """
    while True:
        await pause(LOOKED_AFTER_EVERY)
        if holds.unattended():
            with suppress(Exception):  # whatever it is, the holds have told it as the hold's detail
                await _probe(holds, api, pause)


async def _probe(holds: Holds, api: Answering, pause: Callable[[float], Awaitable[None]]) -> None:
    async with holds.permission(pause, creates=False):
        await ask_first(holds, api)
    holds.rest()


@asynccontextmanager
async def looked_after(holds: Holds, api: Answering) -> AsyncIterator[None]:
    """Run `look_after` in the background."""
    with background(look_after(holds, api), "look after holds"):
        yield
