"""What every command shares: its settings, its `--json`, the parsing of texts, and how it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from worker import memory
from worker.cli.unforeseen import unforeseen
from worker.settings import sources as configuration
from worker.settings.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="One JSON document a line on stdout.")]


def text(typed: str) -> str:
    """Parse an argument that is a text: a terminal may hand over bytes that are not UTF-8, which are refused."""
    try:
        typed.encode()
    except UnicodeEncodeError:
        raise typer.BadParameter("not UTF-8") from None
    return typed


def settings_of(context: typer.Context) -> Settings:
    """The settings from the environment, files, and what `--config` names; SettingsError where one is wrong."""
    return configuration.load(context.obj)


def end(coroutine: Coroutine[Any, Any, int | None], *, fast: bool = False) -> None:
    """Run a command, and leave with its exit code; `fast` is for one that runs for long and handles many records."""
    try:
        with asyncio.Runner(loop_factory=_fast_loop() if fast else None) as runner:
            if fast:
                memory.collect_rarely()
            runner.get_loop().set_exception_handler(unforeseen)
            code = runner.run(coroutine)
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = 1
    raise typer.Exit(code or 0)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, where it is installed: a record takes a third less time."""
    try:
        import uvloop  # noqa: PLC0415  of no use to other commands
    except ImportError:
        return None
    return uvloop.new_event_loop
