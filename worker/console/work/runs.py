"""What people have the console do: one thing at a time, and once, however often a button is pressed."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, Protocol

import structlog

from worker import clocks
from worker.console.work.steps import Steps, why
from worker.model.errors import Superseded, WorkerError

log = structlog.get_logger()
KEPT = 100
CLOSE_WITHIN = 10.0
State = Literal["under way", "waiting for the worker", "done", "stopped", "taken over", "failed"]
TAKEN_OVER = "somebody else's replay or resolution has begun and took over: this one publishes nothing more"
CLOSED = "the console was stopped"


class Job(Protocol):
    """What a run does. It shows its progress in `run`, and ends early where `run.is_stopping`."""

    @property
    def kind(self) -> str: ...
    def facts(self) -> dict[str, object]:
        """Counts and places for the log; nothing of a customer."""
        ...

    async def do(self, run: "Run") -> None: ...


class Busy(WorkerError):
    """Another run is under way; only one may publish at a time."""

    def __init__(self, run: "Run") -> None:
        super().__init__(f"another run is under way, for {run.by}: wait for its end, or stop it")
        self.run = run


@dataclass(slots=True)
class Run:
    """One run; `began` and `ended` are seconds since the epoch."""

    name: str
    job: Job
    by: str
    began: float = field(default_factory=clocks.epoch)
    ended: float | None = None
    state: State = "under way"
    detail: str | None = None
    steps: Steps = field(default_factory=Steps)
    changed: Callable[[], None] = lambda: None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_stopping(self) -> bool:
        """Whether somebody has asked for it to end after the present batch."""
        return self._stop.is_set()

    def published(self) -> None:
        """Note that nothing more is published: another run may begin while this one waits for the worker."""
        self.state = "waiting for the worker"
        self.changed()

    def stop(self) -> None:
        """End the run after the present batch."""
        self._stop.set()

    async def sleep(self, seconds: float) -> None:
        """Sleep that long, or until the run is stopped."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()


@dataclass(slots=True)
class Runs:
    """The runs. A run has the name of the form that began it: sending the form again leads to the same run.

    `changed` is called when a run has ended, so that what was read before is read again.
    """

    changed: Callable[[], None]
    kept: OrderedDict[str, Run] = field(default_factory=OrderedDict)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    @property
    def active(self) -> Run | None:
        """The run that is under way, which alone may publish; None without one."""
        return next((run for run in self.kept.values() if run.state == "under way"), None)

    def begin(self, name: str, job: Job, by: str) -> Run:
        """The run of that name, begun now if it is new. Raises Busy."""
        if known := self.kept.get(name):
            return known
        if active := self.active:
            raise Busy(active)
        run = self.kept[name] = Run(name, job, by, changed=self.changed)
        while len(self.kept) > KEPT:
            self.kept.popitem(last=False)
        task = asyncio.create_task(self._do(run), name="run")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    async def _do(self, run: Run) -> None:
        log.info("run.started", run=run.name, kind=run.job.kind, by=run.by, **run.job.facts())
        try:
            await run.job.do(run)
            self._end(run, "stopped" if run.is_stopping else "done")
        except Superseded:
            self._end(run, "taken over", TAKEN_OVER)
        except Exception as error:  # noqa: BLE001  the page tells it, and what was done until then
            self._end(run, "failed", why(error))
        except asyncio.CancelledError:
            self._end(run, "failed", CLOSED)
            raise

    def _end(self, run: Run, state: State, detail: str | None = None) -> None:
        run.state, run.detail, run.ended = state, detail, time.time()
        self.changed()
        facts = {**run.job.facts(), "detail": detail}
        log.info("run.ended", run=run.name, kind=run.job.kind, by=run.by, state=state, **facts)

    async def close(self) -> None:
        """Stop all runs; the present batch may end within some seconds."""
        for run in self.kept.values():
            run.stop()
        if tasks := set(self._tasks):
            await asyncio.wait(tasks, timeout=CLOSE_WITHIN)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
