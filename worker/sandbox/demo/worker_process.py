"""A command of ours as a process of its own, in a directory of its own, gone with whoever started it."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from worker.sandbox.kafka_process import GuardedProcess

STOP_WITHIN = 10


@dataclass(eq=False, slots=True)
class WorkerProcess:
    """A running command; `log` is what it says, JSON lines but for what is for a person."""

    process: GuardedProcess
    folder: Path
    log: Path
    log_stays: bool = False

    async def stop(self) -> int | None:
        """Ask it to drain; its exit status, None when it had to be killed."""
        self.process.send(signal.SIGTERM)
        status = await self.process.ended(within=STOP_WITHIN)
        await self.process.kill()
        return status

    def lines(self) -> list[str]:
        """All that it has said."""
        return self.log.read_text("utf-8", "replace").splitlines()

    def last_line(self) -> str:
        """What it said last."""
        return ([*self.lines()] or ["nothing"])[-1]


@asynccontextmanager
async def worker_process(settings: Mapping[str, str], command: str = "run") -> AsyncIterator[WorkerProcess]:
    """Runs with these settings and no others; its directory goes in the end, unless its log is to stay."""
    folder = Path(tempfile.mkdtemp(prefix="customer-worker-demo-"))
    log = folder / ("worker.log" if command == "run" else f"{command}.log")
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("WORKER_")}
    started = [sys.executable, "-m", "worker", command]
    process = GuardedProcess(started, log, remove=folder, environment={**environment, **settings}, folder=folder)
    running = WorkerProcess(process, folder, log)
    try:
        yield running
    finally:
        try:
            await running.stop()
        finally:
            process.end_now()
            if not running.log_stays:
                shutil.rmtree(folder, ignore_errors=True)


def finished_per_second(log: Path, prefix: str) -> float | None:
    """From the first to the last `record.finished` of the events whose id begins so; None for fewer than two."""
    times = list(_finished(log, prefix))
    seconds = (max(times) - min(times)).total_seconds() if times else 0.0
    return (len(times) - 1) / seconds if seconds else None


def _finished(log: Path, prefix: str) -> Iterator[datetime]:
    """Of whole lines: the worker may be writing the last one."""
    with log.open("rb") as lines:
        for line in lines:
            if b'"record.finished"' in line and line.endswith(b"\n"):
                said = orjson.loads(line)
                if said["event_id"].startswith(prefix):
                    yield datetime.fromisoformat(said["timestamp"])
