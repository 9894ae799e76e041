"""Part d: the worker's resident memory, at rest and for each thing that it holds."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from bench.figures import Aim, Figure, Line, Measured
from bench.observing import TICK, Scale, begun, done, quiet
from bench.past import worker_with_past
from bench.payloads import Backlog
from bench.processes import Running, workers
from bench.stage import Stage

FEW, MANY = 64, 1024
WAITING = 4_000
POINTS = 500
LONG = 20.0
"""Seconds of latency: all that is in flight stays there."""
RESTORED_WITHIN = 120.0
SETTLED = 2.0
SMALL = {"WORKER_JOURNAL__MAX_ENTRIES": "1000"}
ALL_AHEAD = {"WORKER_DISPATCH__MAX_UNCOMMITTED": "10000"}
FLAT = Aim("<=", 20)
Processes = AbstractAsyncContextManager[list[Running]]


async def at_rest(stage: Stage, make: Callable[[], Processes], partitions: int = 6) -> float:
    """MiB, with every partition's journal restored."""
    await quiet(stage, LONG)
    async with make() as (worker,), asyncio.timeout(RESTORED_WITHIN):
        await worker.restored(partitions)
        await asyncio.sleep(SETTLED)
        return worker.rss


async def holding(stage: Stage, waiting: int, in_flight: int) -> float:
    """MiB, with so many records waiting and so many in flight."""
    await quiet(stage, LONG)
    settings = {**ALL_AHEAD, "WORKER_DISPATCH__MAX_IN_FLIGHT": str(in_flight)}
    async with workers(stage, Backlog(waiting), settings=settings) as (worker,), asyncio.timeout(RESTORED_WITHIN):
        while stage.double.creates < in_flight:
            await asyncio.sleep(TICK)
        await asyncio.sleep(SETTLED)
        return worker.rss


async def over_records(stage: Stage, scale: Scale, result: Measured) -> None:
    """(records, MiB) from the first to the last of them, little being kept of each."""
    backlog = Backlog(scale.many)
    await quiet(stage, 0)
    points: list[tuple[float, float]] = []
    async with workers(stage, backlog, settings=SMALL) as watched:
        await begun(watched, stage.double)
        started = time.monotonic()
        await done(watched, stage.double, backlog.events, lambda: points.append((stage.double.creates, watched[0].rss)))
    result.tell(f"{backlog.events:,} records in {time.monotonic() - started:.0f} s: {points[-1][1]:.0f} MiB")
    line = Line("memory", "worker", tuple(points[:: max(1, len(points) // POINTS)]))
    result.lines.append(line)
    result.figures.append(Figure("d", f"growth over {scale.many:,} records", "MiB", (growth(line),), FLAT))


def growth(line: Line) -> float:
    """MiB since the first fifth of the records, by when everything has its size."""
    records = line.points[-1][0]
    settled = [rss for done, rss in line.points if done >= records / 5]
    return settled[-1] - settled[0]


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """Differences between two processes that differ in one thing."""
    found: dict[str, list[float]] = {}
    nothing, past = Backlog(0), Backlog(scale.journal)
    runs = {
        "rest": partial(at_rest, stage, partial(workers, stage, nothing)),
        "few": partial(holding, stage, WAITING, FEW),
        "many": partial(holding, stage, WAITING, MANY),
        "waiting": partial(holding, stage, scale.backlog, FEW),
        "journal": partial(at_rest, stage, partial(worker_with_past, stage, past, scale.journal)),
    }
    for _ in range(scale.repetitions):
        for name, run in runs.items():
            found.setdefault(name, []).append(await run())
            result.tell(f"{name}: {found[name][-1]:.1f} MiB")
    await stage.forget(past)
    result.figures += figures(found, scale)
    await over_records(stage, scale, result)


def figures(found: dict[str, list[float]], scale: Scale) -> list[Figure]:
    def each(name: str, more: str, less: str, count: int) -> Figure:
        pairs = zip(found[more], found[less], strict=True)
        return Figure("d", name, "bytes", tuple((many - few) / count * 2**20 for many, few in pairs))

    return [
        Figure("d", "at rest", "MiB", tuple(found["rest"])),
        each("for a record in flight", "many", "few", MANY - FEW),
        each("for a record that waits", "waiting", "few", scale.backlog - WAITING),
        each("for a journal entry, restored", "journal", "rest", scale.journal // 6 * 6),
    ]
