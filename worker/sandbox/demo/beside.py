"""Runs the operator's console beside a demonstration that is kept running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from worker.sandbox.demo.stage import Stage
from worker.sandbox.demo.worker_process import WorkerProcess, worker_process

WITHIN = 30.0
LINK = "console: "
RIGHTS = "replay,payload,accept_duplicates,resolve"


@asynccontextmanager
async def console(stage: Stage) -> AsyncIterator[str]:
    """Run the console while the block runs; yields its sign-in link, or its last line if it did not start."""
    settings = {
        **stage.addresses,
        "WORKER_CONSOLE__PORT": "0",
        "WORKER_CONSOLE__WORKERS": f"127.0.0.1:{ops_port(stage.worker.lines())}",
        "WORKER_CONSOLE__RIGHTS": RIGHTS,
    }
    async with worker_process(settings, "console") as running:
        yield await _link(running)


def ops_port(lines: list[str]) -> int:
    """The port of the worker's ops server, from the worker's log; 0 if the log does not tell."""
    told = (orjson.loads(line) for line in lines if '"ops.started"' in line)
    return next((int(each["port"]) for each in told), 0)


async def _link(running: WorkerProcess) -> str:
    try:
        async with asyncio.timeout(WITHIN):
            while True:
                if told := [line for line in running.lines() if line.startswith(LINK)]:
                    return told[0].removeprefix(LINK)
                await asyncio.sleep(0.1)
    except TimeoutError:
        return f"not there: {running.last_line()}"
