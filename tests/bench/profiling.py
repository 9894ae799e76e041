"""Part f: where the worker's CPU time goes, in percent and in microseconds an event."""

import asyncio
import linecache
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from bench.figures import Figure, Measured
from bench.observing import Scale, begun, between, quiet, sample
from bench.payloads import Backlog
from bench.processes import workers
from bench.sampler import PROFILE
from bench.speed import WITHOUT_JOURNAL
from bench.stage import Stage
from rich.table import Table

WRITTEN_WITHIN = 10.0
WORKER = Path(__file__).parents[2] / "worker"
ROWS = 30
SECONDS = 3
"""Times the usual window: a profile needs many samples."""


@dataclass(frozen=True)
class Profile:
    """Samples by place, and the CPU time of one event in microseconds."""

    lines: list[tuple[str, str, int, int]]
    under: list[tuple[str, str, int]]
    event: float

    @property
    def samples(self) -> int:
        return sum(count for *_, count in self.lines)

    def modules(self) -> Counter[str]:
        return _counted((module(file), count) for file, _, _, count in self.lines)

    def packages(self) -> Counter[str]:
        return _counted((package(file), count) for file, _, _, count in self.lines)

    def functions(self) -> Counter[str]:
        """Self time, with the line that took most of it."""
        return _counted(
            (f"{module(file)}.{name}:{line}  {_source(file, line)}", count) for file, name, line, count in self.lines
        )

    def below(self) -> Counter[str]:
        """Of the worker's and its libraries' functions, with all that they call."""
        kept = [each for each in self.under if not package(each[0]).startswith(("stdlib", "asyncio"))]
        return _counted((f"{module(file)}.{name}", count) for file, name, count in kept)


def _counted(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name, count in pairs:
        counted[name] += count
    return counted


def _source(file: str, line: int) -> str:
    return linecache.getline(file, line).strip()[:60]


def module(file: str) -> str:
    """`worker.pipeline`, `aiohttp.client_reqrep`, `asyncio.tasks`."""
    path = Path(file)
    if path.is_relative_to(WORKER):
        return ".".join(("worker", *path.relative_to(WORKER).with_suffix("").parts))
    if "site-packages" in path.parts:
        return ".".join(path.with_suffix("").parts[path.parts.index("site-packages") + 1 :])
    return ".".join(path.with_suffix("").parts[-2:]) if path.parent.name in {"asyncio", "json"} else path.stem


def package(file: str) -> str:
    """`worker`, a library, `asyncio`, or what of the standard library it is."""
    path = Path(file)
    if path.is_relative_to(WORKER) or "site-packages" in path.parts:
        return module(file).partition(".")[0]
    if path.name == "runners.py":
        return "event loop (C)"
    return "asyncio" if path.parent.name == "asyncio" else f"stdlib {path.stem}"


async def profiled(stage: Stage, scale: Scale, settings: Mapping[str, str]) -> Profile:
    """The worker, warmed up, for so long."""
    backlog, file = Backlog(scale.deep), stage.folder / "profile.json"
    file.unlink(missing_ok=True)
    await quiet(stage, 0)
    told = {PROFILE: str(file), **settings}
    async with workers(stage, backlog, program=("-m", "bench.sampler"), settings=told) as watched:
        await begun(watched, stage.double)
        await asyncio.sleep(scale.warm_up)
        watched[0].process.send_signal(signal.SIGUSR1)
        first = sample(watched, stage.double)
        await asyncio.sleep(scale.seconds * SECONDS)
        window = between(first, sample(watched, stage.double))
        watched[0].process.send_signal(signal.SIGUSR2)
        found = await _written(file)
    return Profile(found["lines"], found["under"], 1e6 / window.per_cpu)


async def _written(file: Path) -> Any:
    async with asyncio.timeout(WRITTEN_WITHIN):
        while not await asyncio.to_thread(file.exists):
            await asyncio.sleep(0.05)
    return orjson.loads(await asyncio.to_thread(file.read_bytes))


def _table(title: str, what: str, profile: Profile, counted: Counter[str], rows: int = ROWS) -> Table:
    made = Table(what, "%", "µs an event", title=title)
    for name, count in counted.most_common(rows):
        share = count / profile.samples
        made.add_row(name, f"{share * 100:.1f}", f"{share * profile.event:.1f}")
    return made


async def part(stage: Stage, scale: Scale, tell: Callable[[str], None]) -> Measured:
    """With the journal, and without it for the packages alone."""
    result = Measured()
    for name, settings in (("journal on", {}), ("journal off", WITHOUT_JOURNAL)):
        profile = await profiled(stage, scale, settings)
        told = f"{name}: {profile.samples} samples, {profile.event:.0f} µs of CPU an event"
        tell(told)
        result.figures.append(Figure("f", f"CPU of one event, {name}", "µs", (profile.event,)))
        result.tables.append(_table(f"self time by package, {told}", "package", profile, profile.packages()))
        if not settings:
            result.tables.append(_table("self time by module", "module", profile, profile.modules()))
            result.tables.append(_table("self time by line", "line", profile, profile.functions()))
            result.tables.append(_table("time with all that is called", "function", profile, profile.below(), 60))
    return result
