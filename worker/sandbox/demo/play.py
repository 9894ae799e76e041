"""A demonstration on a stage of its own: waits until the events have ended, and judges the whole."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from worker.sandbox.demo import samples as written
from worker.sandbox.demo import verdict
from worker.sandbox.demo.performance import Performance
from worker.sandbox.demo.stage import Stage
from worker.sandbox.demo.verdict import More, Verdict
from worker.sandbox.demo.worker_process import WorkerProcess, finished_per_second


@dataclass(frozen=True, slots=True)
class Play:
    """The running processes, and the events that they are to work on."""

    stage: Stage
    performance: Performance

    async def run(self) -> Verdict:
        """Publish, wait and judge; returns when everything has ended, or nothing more can be waited for."""
        problem = await while_running(self.stage.worker, self.performance.play(), self.performance.patience)
        return await self._verdict(problem)

    async def _verdict(self, problem: str | None) -> Verdict:
        ledger, played = self.stage.sandbox.ledger, self.performance
        rows = played.rows(verdict.created_for(ledger))
        speed = await asyncio.to_thread(finished_per_second, self.stage.worker.log, written.MORE)
        more = More(played.asked, played.more, speed)
        whole = verdict.whole(rows, more, ledger, self.stage.posts)
        return Verdict(rows, more, tuple(filter(None, [problem, *whole])))


async def while_running(worker: WorkerProcess, waiting: Coroutine[Any, Any, None], patience: float) -> str | None:
    """Wait for `waiting` while the worker runs, for at most `patience` seconds.

    Return None when it is done, else what came first: the worker's end, or the end of the patience. Raises what it
    raises.
    """
    task = asyncio.create_task(waiting)
    watch = asyncio.create_task(worker.process.ended(within=patience))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        status = watch.result()
        if status is None:
            return f"not everything ended within {patience:.0f} s"
        return f"the worker ended by itself with status {status}; its last line: {worker.last_line()}"
    finally:
        for each in (task, watch):
            each.cancel()
        await asyncio.wait({task, watch})
