"""The sandbox as a command: it serves until it is interrupted, and prints one line per call."""

import asyncio
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.sandbox.api.config import SandboxConfig
from worker.sandbox.api.control import PREFIX
from worker.sandbox.api.faults import Fault
from worker.sandbox.api.server import RunningSandbox, sandbox_api
from worker.sandbox.api.state import CallLine
from worker.terminal.screen import PlainConsole


async def run_sandbox(
    config: SandboxConfig, *, faults: Iterable[Fault] = (), console: Console | None = None, quiet: bool = False
) -> None:
    """Serve until SIGINT or SIGTERM; print how to use the sandbox, then each call (unless `quiet`), then a summary."""
    console = console or PlainConsole(stderr=True)

    def report(line: CallLine) -> None:
        console.print(as_text(line), soft_wrap=True)

    async with sandbox_api(config, faults=faults, report=None if quiet else report) as sandbox:
        with _interrupted() as interrupted:
            _introduce(sandbox, config, console)
            await interrupted.wait()
        console.print(_summary(sandbox))


@contextmanager
def _interrupted() -> Iterator[asyncio.Event]:
    """Yield an event that SIGINT or SIGTERM sets; afterwards both signals have their default effect again."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def as_text(line: CallLine) -> Text:
    """The line of a call, coloured by its status: green below 400, yellow for 4xx, red for 5xx or no answer."""
    colour = "red" if line.status >= 500 or line.status == 0 else "yellow" if line.status >= 400 else "green"
    text = Text(str(line))
    status_at = len(f"{line.method} {line.path} ")
    text.stylize(colour, status_at, str(line).index(" ", status_at))
    if line.fault is not None:
        text.highlight_words([f"fault={line.fault}"], "magenta")
    return text


def _introduce(sandbox: RunningSandbox, config: SandboxConfig, console: Console) -> None:
    console.print(f"sandbox API on {sandbox.base_url}{config.context_root}", highlight=False, soft_wrap=True)
    for user, password in config.users.items():
        console.print(f"  user {user}  password {password}", highlight=False)
    console.print(f"  ledger   {sandbox.base_url}{PREFIX}/ledger", highlight=False, soft_wrap=True)
    console.print(f"  summary  {sandbox.base_url}{PREFIX}/summary", highlight=False, soft_wrap=True)
    console.print(f"  faults   {sandbox.base_url}{PREFIX}/faults (GET, POST, DELETE)", highlight=False, soft_wrap=True)
    console.print(f"  faults in force: {len(sandbox.faults.active)}; Ctrl-C ends it", highlight=False)


def _summary(sandbox: RunningSandbox) -> Table:
    table = Table("what happened", "count", title="sandbox ledger")
    figures = sandbox.state.summary()
    for name in ("calls", "executions", "customers", "identities", "duplicates", "repliesLost", "logins"):
        table.add_row(name, str(figures[name]), style="red" if name == "duplicates" and figures[name] else None)
    for kind, count in figures["faultsApplied"].items():
        table.add_row(f"fault {kind}", str(count))
    return table
