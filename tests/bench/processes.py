"""What is measured, as processes of their own: the worker, and what it is compared with."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import psutil
from bench.payloads import Backlog
from bench.stage import HERE, Stage
from mortal import mortal

from worker.topics import Plan

ENDS_WITHIN = 60.0
RESTORED_WITHIN = 180.0
IN_FLIGHT = 64
AHEAD, LEAST_AHEAD = 6_000, 20
"""Records taken in and not committed, of all partitions and of each one: enough for 12 000 a second."""


class Broken(Exception):
    """Something cannot be measured, and why."""


@dataclass(frozen=True)
class Running:
    """One process; `started` is monotonic, and CPU and memory are its own, without children."""

    process: asyncio.subprocess.Process
    seen: psutil.Process
    log: Path
    started: float

    @property
    def cpu(self) -> float:
        """Seconds since it was started, in the kernel's clock ticks."""
        times = self.seen.cpu_times()
        return times.user + times.system

    @property
    def rss(self) -> float:
        """MiB."""
        return self.seen.memory_info().rss / 2**20

    def said(self) -> str:
        """Its last lines."""
        return self.log.read_text(errors="replace")[-2000:]

    async def restored(self, partitions: int) -> None:
        """Return when it has told so of that many partitions."""
        async with asyncio.timeout(RESTORED_WITHIN):
            while (await asyncio.to_thread(self.log.read_bytes)).count(b'"journal.restored"') < partitions:
                self.is_there()
                await asyncio.sleep(0.1)

    def is_there(self) -> None:
        """Broken says what it said last, if it has ended."""
        if self.process.returncode is not None:
            raise Broken(f"it ended:\n{self.said()}")

    async def stop(self) -> float:
        """SIGTERM; the seconds until it has ended."""
        since = time.monotonic()
        self.process.terminate()
        await asyncio.wait_for(self.process.wait(), ENDS_WITHIN)
        return time.monotonic() - since


@asynccontextmanager
async def running(folder: Path, arguments: list[str], environment: Mapping[str, str]) -> AsyncIterator[Running]:
    """Killed in the end: nothing of it is needed any more."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
    log = folder / f"{uuid4().hex[:8]}.log"
    started = time.monotonic()
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *mortal(sys.executable, *arguments),
            env={**inherited, **environment},
            stdout=file,
            stderr=file,
            cwd=folder,  # `-m` looks there first, and must not find this checkout's worker
        )
    try:
        yield Running(process, psutil.Process(process.pid), log, started)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        log.unlink()


Start = Callable[[], Awaitable[Running]]
NONE: Mapping[str, str] = MappingProxyType({})


@asynccontextmanager
async def group(
    stage: Stage, backlog: Backlog, *, program: tuple[str, ...] = ("-m", "worker"), settings: Mapping[str, str] = NONE
) -> AsyncIterator[Start]:
    """What starts one worker after another in a group of their own; `settings` are WORKER_ variables."""
    async with stage.topics(await stage.backlog(backlog)) as plan, AsyncExitStack() as stack:
        environment = {**stage.worker, **worker_settings(stage, backlog), **dict(plan.names()), **settings}
        arguments = [*program, "run"]
        yield lambda: stack.enter_async_context(running(stage.folder, arguments, environment))


@asynccontextmanager
async def workers(
    stage: Stage,
    backlog: Backlog,
    count: int = 1,
    *,
    program: tuple[str, ...] = ("-m", "worker"),
    settings: Mapping[str, str] = NONE,
) -> AsyncIterator[list[Running]]:
    """So many at once, at the backlog's beginning."""
    async with group(stage, backlog, program=program, settings=settings) as start:
        yield [await start() for _ in range(count)]


def worker_settings(stage: Stage, backlog: Backlog) -> dict[str, str]:
    """Those of every measurement.

    Few records are taken in ahead, so that soon as many are taken in as are finished: otherwise the intake of the whole
    backlog would fall into a window in which a tenth of it is finished.
    """
    return {
        "WORKER_KAFKA__BOOTSTRAP_SERVERS": stage.kafka,
        "WORKER_KAFKA__GROUP_ID": f"bench-{uuid4().hex[:8]}",
        "WORKER_API__BASE_URL": stage.double.url,
        "WORKER_API__USERNAME": "bench",
        "WORKER_API__PASSWORD": "bench",
        "WORKER_DISPATCH__MAX_IN_FLIGHT": str(IN_FLIGHT),
        "WORKER_DISPATCH__MAX_UNCOMMITTED": str(max(AHEAD // backlog.partitions, LEAST_AHEAD)),
        "WORKER_OPS__PORT": "0",
        "WORKER_LOG__FORMAT": "json",
    }


@asynccontextmanager
async def plain(stage: Stage, kind: str, backlog: Backlog) -> AsyncIterator[list[Running]]:
    """One of bench.baselines."""
    requests = await stage.backlog(backlog)
    async with stage.topics(requests) as plan, baseline(stage, kind, plan, backlog.size) as process:
        yield [process]


def baseline(stage: Stage, kind: str, plan: Plan, size: int) -> AbstractAsyncContextManager[Running]:
    """It reads the plan's requests and publishes to the topic of what succeeded."""
    told = [kind, stage.double.url, stage.kafka, plan.requests, plan.succeeded, str(size), str(IN_FLIGHT)]
    return running(stage.folder, ["-m", "bench.baselines", *told], {"PYTHONPATH": str(HERE)})
