"""The workers of a seed as processes: as many as are wanted, each replaced when it has ended, and struck on request."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mortal import mortal
from patience import PATIENCE
from signalling import send

CRASHED = ('"record.crashed"', '"task.crashed"', "Task was destroyed", "Traceback")
UNEQUAL = "they must be equal"
"""In what a worker says that does not start, since the requests and the journal differ in their partitions."""
STOPS_WITHIN = PATIENCE
"""Seconds; a stop has bounds of its own, and a machine that is busy with other things takes its time."""


@dataclass(slots=True)
class Life:
    """One worker process, from start to end, and the exit codes that are right for what was done to it."""

    process: asyncio.subprocess.Process
    log: Path
    expected: set[int] = field(default_factory=set)
    stopping: bool = False

    def struck(self, number: signal.Signals, *expected: int) -> None:
        """Send it; the exit codes that may follow."""
        self.expected |= set(expected)
        send(self.process, number)

    def kill(self) -> None:
        """What a crash does."""
        self.struck(signal.SIGKILL, -signal.SIGKILL)

    def stop(self) -> None:
        """A clean stop; before it listens to signals it just ends. A second time it leaves at once."""
        self.thaw()
        self.struck(signal.SIGTERM, *((1,) if self.stopping else (0, -signal.SIGTERM)))
        self.stopping = True

    def freeze(self) -> None:
        """It does nothing, and its connections stay open."""
        send(self.process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Also where it was never frozen."""
        send(self.process, signal.SIGCONT)

    @property
    def runs(self) -> bool:
        """Nobody has killed it yet."""
        return self.process.returncode is None and -signal.SIGKILL not in self.expected

    async def ended(self) -> bool:
        """Whether it ended in time."""
        try:
            await asyncio.wait_for(self.process.wait(), STOPS_WITHIN)
        except TimeoutError:
            return False
        return True


@dataclass(slots=True)
class Fleet:
    """Workers are numbered from 1; a number has one life after the other. `logs` is a folder."""

    environment: Mapping[str, str]
    logs: Path
    lives: list[Life] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unclean_stops_until: float = 0.0
    """While Kafka is away a stop may leave something in flight; seconds since the epoch."""
    partitions_added: bool = False
    """Whoever starts before the journal has them too is refused, and says so."""
    _now: dict[int, Life] = field(default_factory=dict)
    _keeping: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _wanted: int = 0
    _back_after: dict[int, float] = field(default_factory=dict)

    def scale(self, wanted: int) -> None:
        """So many from now on; surplus ones are told to stop."""
        self._wanted = wanted
        for number in range(1, wanted + 1):
            if number not in self._keeping or self._keeping[number].done():
                self._keeping[number] = asyncio.create_task(self._keep(number), name=f"worker {number}")
        for number, life in self._now.items():
            if number > wanted and life.runs and not life.stopping:
                life.stop()

    @property
    def wanted(self) -> int:
        """How many there should be."""
        return self._wanted

    @property
    def at_work(self) -> Mapping[int, Life]:
        """The present life of each number, or the last one."""
        return self._now

    @property
    def running(self) -> list[Life]:
        """Those that nobody has killed."""
        return [life for life in self._now.values() if life.runs]

    async def all_ended(self) -> None:
        """Return when none is left, those that were just starting included; or when some are wanted again."""
        while not self._wanted and not all(task.done() for task in self._keeping.values()):
            await asyncio.sleep(0.1)

    def one(self, number: int, back_after: float = 0) -> Life | None:
        """That worker, if it runs; when it has ended the next one comes after so many seconds."""
        life = self._now.get(number)
        if life is None or not life.runs:
            return None
        self._back_after[number] = back_after
        return life

    async def _keep(self, number: int) -> None:
        while number <= self._wanted:
            life = self._now[number] = await self._start(number)
            if number > self._wanted:
                life.stop()
            self._judge(life, await life.process.wait())
            await asyncio.sleep(self._back_after.pop(number, 0))

    async def _start(self, number: int) -> Life:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WORKER_")}
        path = self.logs / f"worker-{number}-{len(self.lives):03}.log"
        with path.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *mortal(sys.executable, "-m", "worker", "run"),
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env={**inherited, **self.environment},
                cwd=self.logs,  # `-m` looks there first: whoever names another worker by PYTHONPATH gets that one
            )
        life = Life(process, path)
        self.lives.append(life)
        return life

    def _judge(self, life: Life, code: int) -> None:
        excused = (life.stopping and time.time() < self.unclean_stops_until) or self._refused(life)
        if code not in life.expected and not (code == 1 and excused):
            self.problems.append(f"{life.log.name} ended with {code}, which was not asked for")

    def _refused(self, life: Life) -> bool:
        return self.partitions_added and UNEQUAL in life.log.read_text(errors="replace")

    async def stop(self) -> None:
        """Every worker leaves by itself."""
        self._wanted = 0
        for life in self._now.values():
            if life.runs and not life.stopping:
                life.stop()
        for life in self._now.values():
            if not await life.ended():
                self.problems.append(f"{life.log.name} had not ended {STOPS_WITHIN} s after it was told to")
        await self.kill()

    async def kill(self) -> None:
        """Leave nothing behind."""
        self._wanted = 0
        for life in self.lives:
            life.kill()
        await asyncio.gather(*(life.process.wait() for life in self.lives), *self._keeping.values())

    def crashes(self) -> list[str]:
        """What a worker's own log calls an error of ours; one that is forced to leave at once may leave untidily."""
        return [
            f"{life.log.name}: {line.strip()[:300]}"
            for life in self.lives
            for line in life.log.read_text(errors="replace").partition('"forced":true')[0].splitlines()
            if any(each in line for each in CRASHED)
        ]
