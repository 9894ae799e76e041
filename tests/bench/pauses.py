"""Part e: how long nothing is sent, at a start, a rebalance and a stop; the backlog is never empty."""

import asyncio
import time
from dataclasses import dataclass

from bench.figures import Aim, Figure, Measured
from bench.observing import TICK, Scale, begun, quiet
from bench.payloads import Backlog
from bench.processes import IN_FLIGHT, group
from bench.stage import Stage

LATENCY = 0.02
JOINED_WITHIN = 60.0
SETTLED = 1.0


@dataclass(frozen=True)
class Pauses:
    """Seconds; a gap is the longest time between two POSTs, without the latency of what was in flight."""

    start: float
    join: float
    leave: float
    drain: float


async def once(stage: Stage, backlog: Backlog) -> Pauses:
    """One worker, a second one that joins, and leaves again, and the first one's end."""
    double = stage.double
    await quiet(stage, LATENCY)
    async with group(stage, backlog) as start:
        first = await start()
        await begun([first], double)
        began = double.first - first.started
        await asyncio.sleep(SETTLED)
        double.forget_gap()
        second = await start()
        await _both(stage)
        join = double.gap
        double.forget_gap()
        await second.stop()
        await _goes_on(stage)
        leave = double.gap
        return Pauses(began, join - LATENCY, leave - LATENCY, await first.stop())


async def _both(stage: Stage) -> None:
    """Return some time after there were more connections than one of them can have."""
    async with asyncio.timeout(JOINED_WITHIN):
        while stage.double.connections <= IN_FLIGHT:
            await asyncio.sleep(TICK)
    await asyncio.sleep(SETTLED)


async def _goes_on(stage: Stage) -> None:
    """Return some time after the next creation: a pause that is under way is none that is over."""
    before, deadline = stage.double.last, time.monotonic() + JOINED_WITHIN
    while stage.double.last == before and time.monotonic() < deadline:
        await asyncio.sleep(TICK)
    await asyncio.sleep(SETTLED)


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """At 20 ms, with everything in flight that may be."""
    found = []
    for _ in range(scale.repetitions):
        found.append(await once(stage, Backlog(scale.deep)))
        result.tell(str(found[-1]))
    result.figures += [
        Figure("e", "start to first POST", "s", tuple(each.start for each in found), Aim("<=", 2)),
        Figure("e", "pause when a worker joins", "s", tuple(each.join for each in found), Aim("<=", 1)),
        Figure("e", "pause when a worker leaves", "s", tuple(each.leave for each in found), Aim("<=", 1)),
        Figure("e", "SIGTERM to the end of the process", "s", tuple(each.drain for each in found)),
    ]
