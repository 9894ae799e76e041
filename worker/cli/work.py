"""The worker itself, and what must be right before it can work."""

import sys
from typing import Annotated

import typer

from worker import logs
from worker.cli.ending import Json, end, settings_of
from worker.settings.kinds import MOST_PARTITIONS
from worker.terminal.text import say

app = typer.Typer()
topics = typer.Typer(help="The five topics.", no_args_is_help=True)


@app.command()
def run(context: typer.Context) -> None:
    """Run the worker until SIGTERM or SIGINT; 0 after a clean drain."""
    from worker import app as worker_app  # noqa: PLC0415  each command imports only what it needs

    settings = settings_of(context)
    logs.configure(settings.log.level, settings.log.format)
    end(worker_app.run(settings, lambda: settings_of(context)), fast=True)


@topics.command("create")
def topics_create(context: typer.Context) -> None:
    """Make the topics that are missing, and say what exists and what differs."""
    from worker.tools.topics import create_topics  # noqa: PLC0415

    end(create_topics(settings_of(context)))


@topics.command("grow")
def topics_grow(
    context: typer.Context,
    partitions: Annotated[
        int, typer.Argument(min=1, max=MOST_PARTITIONS, help="How many requests, journal and dead letters are to have.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, say what it would mean.")] = False,
    while_at_work: Annotated[
        bool, typer.Option("--while-at-work", help="Move keys although the group has members.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give requests, journal and dead letters more partitions, and say what moves; 1 while the group is at work."""
    from worker.tools.topics import grow_topics  # noqa: PLC0415

    asked = settings_of(context)
    end(grow_topics(asked, partitions, yes=yes, while_at_work=while_at_work, as_json=as_json))


@app.command()
def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Print each thing that must be right before `run` can work."""
    from worker.tools.check.everything import check_all  # noqa: PLC0415

    end(check_all(settings_of(context), context.obj, as_json=as_json))


@app.command()
def health(context: typer.Context) -> None:
    """Ask the worker beside us whether it is alive; 1 where it is not. For a container's health check."""
    from worker.ops.health import problem  # noqa: PLC0415

    ops = settings_of(context).ops
    if found := problem(ops.host, ops.port):
        say(found, err=True)
        raise typer.Exit(1)


@app.command()
def console(context: typer.Context) -> None:
    """Serve the operator's page until SIGTERM or SIGINT, for whoever opens the link that it prints."""
    from worker.console import serve  # noqa: PLC0415

    settings = settings_of(context)
    logs.configure(settings.log.level, settings.log.format, sys.stderr)
    end(serve.run(settings))
