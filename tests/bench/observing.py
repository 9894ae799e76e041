"""Looking at processes while they work: rates per second and per CPU second, between two moments."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from bench.double import Double
from bench.machine import use
from bench.processes import IN_FLIGHT, Broken, Running
from bench.stage import Stage

FIRST_WITHIN = 120.0
CLOSED_WITHIN = 10.0
WHOLE_WITHIN = 1800.0
TICK = 0.02
NEARLY = 0.97
"""What comes after that share of a backlog is its tail: fewer are in flight."""
BUSY = 0.6
"""Of a core, which a process gets that nothing else bounds, on a quiet machine."""
PROLONGED = 5


@dataclass(frozen=True)
class Scale:
    """How much is measured. Times are seconds; the others count records."""

    name: str
    repetitions: int
    warm_up: float
    seconds: float
    backlog: int
    deep: int
    many: int
    journal: int

    def repeated(self, times: int) -> "Scale":
        return replace(self, repetitions=times)


QUICK = Scale("quick", 1, 0.5, 1.5, 10_000, 30_000, 10_000, 20_000)
DEFAULT = Scale("default", 3, 1.0, 4.0, 40_000, 100_000, 100_000, 100_000)
FULL = Scale("full", 5, 1.5, 8.0, 80_000, 1_000_000, 1_000_000, 200_000)


@dataclass(frozen=True)
class Sample:
    """What was so at one moment; `rss` is MiB."""

    at: float
    creates: int
    cpu: float
    rss: float


@dataclass(frozen=True)
class Window:
    """What was so between two moments."""

    rate: float
    per_cpu: float
    rss: float


def sample(watched: Sequence[Running], double: Double) -> Sample:
    """Of all of them together."""
    return Sample(time.monotonic(), double.creates, _used(watched), sum(each.rss for each in watched))


def between(first: Sample, last: Sample) -> Window:
    events, cpu = last.creates - first.creates, max(last.cpu - first.cpu, 0.01)
    return Window(events / (last.at - first.at), events / cpu, last.rss)


async def begun(watched: Sequence[Running], double: Double) -> None:
    """Return at the first creation."""
    deadline = time.monotonic() + FIRST_WITHIN
    while not double.creates:
        for each in watched:
            each.is_there()
        if time.monotonic() > deadline:
            raise Broken(f"no creation within {FIRST_WITHIN:.0f} s:\n{watched[0].said()}")
        await asyncio.sleep(TICK)


async def observed(watched: Sequence[Running], stage: Stage, scale: Scale, events: int, *, busy: bool) -> Window:
    """A warm-up, then so many seconds; less where the backlog of so many events ends earlier.

    `busy`: nothing but CPU time bounds it, so that it is watched for longer where others leave it little.
    """
    double = stage.double
    await begun(watched, double)
    await _all_take_part(watched, double)
    await _for(scale.warm_up, watched, double, round(events * 0.3), busy=busy)
    shared, first = use(), sample(watched, double)
    await _for(scale.seconds, watched, double, round(events * NEARLY), busy=busy)
    window = between(first, sample(watched, double))
    stage.machine.saw(shared, use())
    return window


async def _all_take_part(watched: Sequence[Running], double: Double) -> None:
    """Return when there are more connections than all but one of them can have."""
    async with asyncio.timeout(FIRST_WITHIN):
        while double.connections <= IN_FLIGHT * (len(watched) - 1):
            await asyncio.sleep(TICK)


async def _for(seconds: float, watched: Sequence[Running], double: Double, events: int, *, busy: bool) -> None:
    started, before = time.monotonic(), _used(watched)
    while double.creates < events and (passed := time.monotonic() - started) < seconds * PROLONGED:
        if passed >= seconds and (not busy or _used(watched) - before >= seconds * BUSY):
            return
        await asyncio.sleep(TICK)


def _used(watched: Sequence[Running]) -> float:
    return sum(each.cpu for each in watched)


Processes = AbstractAsyncContextManager[list[Running]]


async def measured(stage: Stage, scale: Scale, make: Callable[[], Processes], events: int, latency: float) -> Window:
    """The window of freshly started processes."""
    await quiet(stage, latency)
    async with make() as watched:
        return await observed(watched, stage, scale, events, busy=not latency)


async def whole(stage: Stage, make: Callable[[], Processes], events: int, latency: float) -> Window:
    """From the first creation of a backlog to the last one."""
    await quiet(stage, latency)
    async with make() as watched:
        await begun(watched, stage.double)
        first = sample(watched, stage.double)
        await done(watched, stage.double, events)
        window = between(first, sample(watched, stage.double))
    return replace(window, rate=events / (stage.double.last - stage.double.first))


async def done(
    watched: Sequence[Running], double: Double, events: int, tick: Callable[[], object] = lambda: None
) -> None:
    """Return at the last creation; `tick` is called meanwhile."""
    async with asyncio.timeout(WHOLE_WITHIN):
        while double.creates < events:
            for each in watched:
                each.is_there()
            tick()
            await asyncio.sleep(TICK)


async def quiet(stage: Stage, latency: float) -> None:
    """The double, when those before are gone, and the machine, if it can be had."""
    async with asyncio.timeout(CLOSED_WITHIN):
        while stage.double.connections:
            await asyncio.sleep(TICK)
    await stage.machine.quiet()
    stage.double.reset(latency)


Run = Callable[[], Awaitable[Window]]


async def interleaved(scale: Scale, runs: Mapping[str, Run], tell: Callable[[str], None]) -> dict[str, list[Window]]:
    """Each once, then each again: what drifts meets all of them alike."""
    found: dict[str, list[Window]] = {name: [] for name in runs}
    for repetition in range(scale.repetitions):
        for name, run in runs.items():
            window = await run()
            found[name].append(window)
            tell(f"{name}, {repetition + 1}: {window.rate:.0f}/s, {window.per_cpu:.0f} per CPU second")
    return found


def rates(windows: Sequence[Window]) -> tuple[float, ...]:
    return tuple(window.rate for window in windows)


def per_cpu(windows: Sequence[Window]) -> tuple[float, ...]:
    return tuple(window.per_cpu for window in windows)
