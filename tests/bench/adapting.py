"""Part h: a worker that is not told how many calls at once the API bears, against all fixed numbers."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bench.double import HERE, Double, double
from bench.figures import Aim, Figure, Measured, ratio
from bench.knee import PER_SECOND, STEPS, More
from bench.observing import Scale, begun, quiet
from bench.payloads import Backlog
from bench.processes import workers
from bench.stage import Stage

LATENCY = 1.0
"""So long that what is compared is the API, and not how fast the machine is."""
KNEE, MOST = 20, 40
FIXED = (16, 20, 24, 32, 64)
FINDS_WITHIN = 45.0
"""Seconds before anything is counted."""
COUNTED = 45.0
ADAPTIVE = {"WORKER_DISPATCH__ADAPTIVE": "true"}


@dataclass(frozen=True)
class Run:
    """Customers a second, the slowest hundredth's seconds, refusals and doubts."""

    rate: float
    p99: float
    refused: int
    doubts: int


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """With a knee, beyond which calls take longer and then are refused; and without one."""
    program = [sys.executable, str(HERE / "knee.py")]
    os.environ["PYTHONPATH"] = str(HERE.parent)
    async with double(stage.folder, program) as kneed:
        staged = replace(stage, double=kneed)
        await _with_knee(staged, scale, result)
        await _without(staged, scale, result)


async def _with_knee(stage: Stage, scale: Scale, result: Measured) -> None:
    fixed = {number: await _run(stage, scale, result.tell, _fixed(number), knee=True) for number in FIXED}
    best = max(fixed.values(), key=lambda run: run.rate)
    # The fastest of those that do as much as the best, but for chance.
    best = min((run for run in fixed.values() if run.rate >= 0.98 * best.rate), key=lambda run: run.p99)
    found = [await _run(stage, scale, result.tell, ADAPTIVE, knee=True) for _ in range(scale.repetitions)]
    for number, run in fixed.items():
        result.figures.append(Figure("h", f"knee at {KNEE}, fixed {number}", "events/s", (run.rate,)))
    rates, slowest = [run.rate for run in found], [run.p99 for run in found]
    result.figures += [
        Figure("h", f"knee at {KNEE}, adaptive", "events/s", tuple(rates)),
        ratio("h", "adaptive ÷ best fixed", rates, best.rate, Aim(">=", 0.95)),
        ratio("h", "its p99 ÷ best fixed's", slowest, best.p99, Aim("<=", 1.5)),
        Figure("h", "refusals", "", tuple(float(run.refused) for run in found)),
        Figure("h", "doubts", "", tuple(float(run.doubts) for run in found), Aim("<=", 0)),
    ]


async def _without(stage: Stage, scale: Scale, result: Measured) -> None:
    fixed, found = [], []
    for _ in range(scale.repetitions):
        fixed.append((await _run(stage, scale, result.tell, _fixed(64), knee=False)).rate)
        found.append((await _run(stage, scale, result.tell, ADAPTIVE, knee=False)).rate)
    result.figures += [
        Figure("h", "no knee, fixed 64", "events/s", tuple(fixed)),
        ratio("h", "no knee: adaptive ÷ fixed 64", found, fixed, Aim(">=", 0.97)),
    ]


def _fixed(number: int) -> Mapping[str, str]:
    return {"WORKER_DISPATCH__MAX_IN_FLIGHT": str(number)}


async def _run(
    stage: Stage, scale: Scale, tell: Callable[[str], None], settings: Mapping[str, str], *, knee: bool
) -> Run:
    """What the double counts once the worker has had the time to find out."""
    await quiet(stage, LATENCY)
    shared = stage.double.shared
    shared[More.KNEE], shared[More.MOST] = (KNEE, MOST) if knee else (0, 0)
    backlog = Backlog(scale.backlog)
    async with workers(stage, backlog, settings=settings) as watched:
        await begun(watched, stage.double)
        await asyncio.sleep(FINDS_WITHIN)
        _forget(shared)
        first, since = stage.double.creates, time.monotonic()
        while time.monotonic() < since + COUNTED and stage.double.creates < 0.97 * backlog.events:
            await asyncio.sleep(0.05)
        rate = (stage.double.creates - first) / (time.monotonic() - since)
        doubts = watched[0].log.read_bytes().count(b'"reason":"outcome_unknown"')
        run = Run(rate, _p99(stage.double), shared[More.REFUSED], doubts)
        tell(f"{'knee' if knee else 'no knee'}, {dict(settings)}: {run}")
        return run


def _forget(shared: memoryview) -> None:
    for place in (More.REFUSED, *range(More.TOOK, More.TOOK + STEPS)):
        shared[place] = 0


def _p99(api: Double) -> float:
    counts = [api.shared[More.TOOK + step] for step in range(STEPS)]
    left = sum(counts) * 0.01
    for step in reversed(range(STEPS)):
        left -= counts[step]
        if left < 0:
            return (step + 1) / PER_SECOND
    return 0.0
