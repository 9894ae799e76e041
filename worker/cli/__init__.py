"""The commands: argument parsing only. Exit codes: 0 done, 1 it did not hold, 2 wrong usage or settings."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from worker import __version__, logs
from worker.cli import dead_letters, events, journal, offsets, trials, work
from worker.model.errors import SettingsError, WorkerError
from worker.terminal.text import say

app = typer.Typer(
    name="customer-worker",
    help="Keeps a CRM in step with a Kafka event stream, without creating customers twice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for commands in (work, events, trials):
    app.add_typer(commands.app)
app.add_typer(work.topics, name="topics")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(journal.app, name="journal")
app.add_typer(offsets.app, name="offsets")
app.add_typer(events.schema, name="schema")


def main() -> None:
    """The console script: an error of ours is one line, never a traceback."""
    try:
        app()
    except SettingsError as error:
        say(str(error), err=True)
        sys.exit(2)
    except WorkerError as error:
        say(str(error), err=True)
        sys.exit(1)


def _version(asked: bool) -> None:  # noqa: FBT001  typer calls it with the flag
    if asked:
        say(__version__)
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings from a TOML file; the environment wins.")] = None,
    *,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options of every command. All but `run` answer on stdout, so that their log goes to stderr."""
    logs.configure("warning", "console", sys.stderr)
    context.obj = config
