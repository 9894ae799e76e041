"""Runs a command of this program as a process that ends with its parent, in a directory of its own."""

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
    """A running command; `log` holds its output: JSON lines, and lines for a person."""

    process: GuardedProcess
    folder: Path
    log: Path
    log_stays: bool = False

    async def stop(self) -> int | None:
        """Ask the command to drain (SIGTERM); return its exit status, None when it had to be killed."""
        self.process.send(signal.SIGTERM)
        status = await self.process.ended(within=STOP_WITHIN)
        await self.process.kill()
        return status

    def lines(self) -> list[str]:
        """All lines of its output."""
        return self.log.read_text("utf-8", "replace").splitlines()

    def last_line(self) -> str:
        """The last line of its output."""
        return ([*self.lines()] or ["nothing"])[-1]


@asynccontextmanager
async def worker_process(settings: Mapping[str, str], command: str = "run") -> AsyncIterator[WorkerProcess]:
    """Run the command with these settings and no others; its directory is removed at the end, unless `log_stays`."""
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
    """The rate between the first and the last `record.finished` of the events whose id begins with `prefix`.

    None for fewer than two of them.
    """
    times = list(_finished(log, prefix))
    seconds = (max(times) - min(times)).total_seconds() if times else 0.0
    return (len(times) - 1) / seconds if seconds else None


def _finished(log: Path, prefix: str) -> Iterator[datetime]:
    """The times of these log records; a last line without its end is skipped, as the worker may be writing it."""
    with log.open("rb") as lines:
        for line in lines:
            if b'"record.finished"' in line and line.endswith(b"\n"):
                said = orjson.loads(line)
                if said["event_id"].startswith(prefix):
                    yield datetime.fromisoformat(said["timestamp"])
