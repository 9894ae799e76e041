"""The restarts of a day: of the workers, one after the other, and of the broker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from math import inf
from typing import Final

from bench.soaking.soak import Soak

from worker.kafka import admin
from worker.kafka.rights import AskGroup
from worker.model.errors import KafkaUnavailable

WORKERS: Final = 3
ROLLED: Final = (2, 3)
"""The first one works through the whole day, since a leak shows in what is not restarted."""
WHOLE_WITHIN: Final = 120.0
"""Seconds until the next worker's turn comes all the same, although the group is not whole again."""
AWAY: Final = 2.0
UNCLEAN_FOR: Final = 30.0
"""Seconds after Kafka is back in which a stop may still leave something in flight."""


async def restart(soak: Soak) -> None:
    """Everything that the day restarts, each kind one after the other."""
    async with asyncio.TaskGroup() as tasks:
        for what, act in (("workers", _roll), ("broker", _restart_broker)):
            tasks.create_task(_each(soak, [each.at for each in soak.day.restarts() if each.what == what], act))


async def _each(soak: Soak, moments: list[float], act: Callable[[Soak], Awaitable[None]]) -> None:
    for at, following in pairwise([*moments, inf]):
        await asyncio.sleep(max(0.0, at - soak.passed))
        if following <= soak.passed:
            continue  # whoever comes too late leaves it out: a busy machine is not struck all the time
        await act(soak)


async def _roll(soak: Soak) -> None:
    """As a rolling deploy: a clean stop, and the next one when its successor is at work."""
    for number in ROLLED:
        await _whole(soak)
        if (life := soak.fleet.one(number)) is None:
            continue
        life.stop()
        if not await life.ended():
            soak.problems.append(f"{life.log.name} did not end in time")
        soak.rolled += 1


async def _whole(soak: Soak) -> None:
    """Return when the group has all of its workers and no other member, and has agreed who does what."""
    deadline = time.monotonic() + WHOLE_WITHIN
    while time.monotonic() < deadline:
        with suppress(KafkaUnavailable, TimeoutError):
            async with admin.opened(soak.connection, 5.0) as client, client.bounded():
                told = await client.ask_coordinator(soak.group, AskGroup(soak.group))
            if (len(told["members"]), told["state"]) == (WORKERS, "Stable"):
                return
        await asyncio.sleep(1.0)


async def _restart_broker(soak: Soak) -> None:
    soak.struck.append(soak.passed)
    soak.fleet.unclean_stops_until = float("inf")
    await soak.kafka.stop()
    await asyncio.sleep(AWAY)
    await soak.kafka.start()
    soak.fleet.unclean_stops_until = time.time() + UNCLEAN_FOR
