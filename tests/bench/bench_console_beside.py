"""What a console with ten open tabs takes from a worker on the same machine. Printed, never asserted.

python tests/bench/bench_console_beside.py [PAIRS]
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import stage
from bench.observing import DEFAULT, observed, quiet
from bench.payloads import Backlog
from bench.processes import running, worker_settings
from bench.stage import Stage
from console_visitor import TOKEN, Visitor, visiting

PAIRS = 3
LATENCY = 0.02
TABS, EVERY = 10, 2.0
"""As the page's own module asks for its numbers."""
OPS, PORT = 18_082, 18_083
CONSOLE = {
    "WORKER_CONSOLE__TOKEN": TOKEN.secret,
    "WORKER_CONSOLE__PORT": str(PORT),
    "WORKER_CONSOLE__WORKERS": f"127.0.0.1:{OPS}",
}


async def tab(visitor: Visitor) -> None:
    """Open at the front page until it is cancelled."""
    await visitor.open("/")
    while True:
        await asyncio.sleep(EVERY)
        await visitor.open("/", json=True)


@asynccontextmanager
async def looked_at(opened: Stage, environment: Mapping[str, str]) -> AsyncIterator[None]:
    """A console, and whoever looks at it."""
    async with (
        running(opened.folder, ["-m", "worker", "console"], environment) as console,
        asyncio.timeout(60),
        AsyncExitStack() as stack,
    ):
        while "console: http" not in console.said():
            await asyncio.sleep(0.05)
        visitor = await stack.enter_async_context(visiting(f"http://127.0.0.1:{PORT}/", f"customer-worker-{PORT}"))
        tabs = [asyncio.create_task(tab(visitor)) for _ in range(TABS)]
        try:
            yield
        finally:
            for each in tabs:
                each.cancel()
            ended = await asyncio.gather(*tabs, return_exceptions=True)
            assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


async def rate(opened: Stage, *, console: bool) -> float:
    """Customers a second of one worker."""
    backlog = Backlog(DEFAULT.backlog)
    await quiet(opened, LATENCY)
    async with opened.topics(await opened.backlog(backlog)) as plan, AsyncExitStack() as stack:
        environment = {**opened.worker, **worker_settings(opened, backlog), **dict(plan.names()), **CONSOLE}
        if console:
            await stack.enter_async_context(looked_at(opened, environment))
        worker = {**environment, "WORKER_OPS__PORT": str(OPS)}
        process = await stack.enter_async_context(running(opened.folder, ["-m", "worker", "run"], worker))
        window = await observed([process], opened, DEFAULT, backlog.events, busy=False)
        return window.rate


async def bench(pairs: int) -> None:
    ratios = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with stage.opened(Path(folder), Path(__file__).parents[2]) as opened:
            for _ in range(pairs):
                without, beside = await rate(opened, console=False), await rate(opened, console=True)
                ratios.append(beside / without)
                told = f"{without:8.0f}/s without, {beside:8.0f}/s beside {TABS} tabs: {beside / without:.2f}"
                print(told, flush=True)  # noqa: T201  a report
    print(f"median {median(ratios):.2f}")  # noqa: T201  as above


if __name__ == "__main__":
    asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS))
