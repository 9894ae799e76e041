"""Part f: where the worker's CPU time goes, in percent and in microseconds an event."""

import asyncio
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.figures import Figure, Measured
from bench.observing import Scale, begun, measured, quiet
from bench.payloads import Backlog
from bench.processes import Running, workers
from bench.sampler import PROFILE
from bench.speed import WITHOUT_JOURNAL
from bench.stacks import Profile, read
from bench.stage import Stage
from rich.table import Table

A_SECOND = "100"
WITHIN = 30.0
WINDOWS = 4
"""Times the usual window: a profile needs many samples."""


def spy() -> str | None:
    """py-spy, where there is one: it sees C code as well, and the kernel's share."""
    return shutil.which("py-spy") or shutil.which("py-spy", path=Path(sys.executable).parent)


async def profile(stage: Stage, scale: Scale, settings: Mapping[str, str]) -> Profile:
    """The worker, warmed up, for so long."""
    file, program = stage.folder / "profile", ("-m", "worker") if spy() else ("-m", "bench.sampler")
    await quiet(stage, 0)
    told = {PROFILE: str(file), **settings}
    async with workers(stage, Backlog(scale.deep), program=program, settings=told) as watched:
        await begun(watched, stage.double)
        await asyncio.sleep(scale.warm_up)
        await (_spied if spy() else _sampled)(watched[0], scale.seconds * WINDOWS, file)
        return await asyncio.to_thread(_taken, file)


async def _spied(watched: Running, seconds: float, file: Path) -> None:
    options = ["--native", "--full-filenames", "--format", "raw", "--rate", A_SECOND, "--duration", f"{seconds:.0f}"]
    process = await asyncio.create_subprocess_exec(
        *(spy() or "", "record", *options, "--output", str(file), "--pid", str(watched.process.pid)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await asyncio.wait_for(process.wait(), seconds + WITHIN)


async def _sampled(watched: Running, seconds: float, file: Path) -> None:
    watched.process.send_signal(signal.SIGUSR1)
    await asyncio.sleep(seconds)
    watched.process.send_signal(signal.SIGUSR2)
    async with asyncio.timeout(WITHIN):
        while not await asyncio.to_thread(file.exists):
            await asyncio.sleep(0.05)


def _taken(file: Path) -> Profile:
    text = file.read_text()
    file.unlink()
    return read(text)


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """With the journal, and without it for the packages alone."""
    for name, settings in (("journal on", {}), ("journal off", WITHOUT_JOURNAL)):
        make = partial(workers, stage, Backlog(scale.deep), settings=settings)
        window = await measured(stage, scale, make, scale.deep, 0)
        found, event = await profile(stage, scale, settings), 1e6 / window.per_cpu
        told = f"{name}: {event:.0f} µs of CPU an event, {found.samples} samples"
        result.tell(told)
        result.figures.append(Figure("f", f"CPU of one event, {name}", "µs", (event,)))
        result.tables.append(_table(f"self time by package, {told}", found, event, found.packages(), 30))
        if not settings:
            result.tables.append(_table("by module, with the C code that it calls", found, event, found.modules(), 30))
            result.tables.append(_table("by line, with the C code that it calls", found, event, found.lines(), 40))
            result.tables.append(_table("by function, with all that it calls", found, event, found.calls(), 60))


def _table(title: str, profile: Profile, event: float, counted: Counter[str], rows: int) -> Table:
    made = Table("", "%", "µs an event", title=title, title_justify="left")
    for name, count in counted.most_common(rows):
        share = count / profile.samples
        made.add_row(name, f"{share * 100:.1f}", f"{share * event:.1f}")
    return made
