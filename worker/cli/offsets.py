"""The commands `offsets ...`."""

from typing import Annotated

import typer

from worker.cli.ending import Json, end, settings_of

app = typer.Typer(help="Where the group goes on reading.", no_args_is_help=True)


@app.callback()
def offsets() -> None:
    """Where the group goes on reading; for the hold `offsets_lost`."""


@app.command("set")
def set_(
    context: typer.Context,
    partition: Annotated[int, typer.Argument(min=0, help="Of the request topic.")],
    where: Annotated[str, typer.Argument(help="earliest, latest, an offset, or a time: ISO, or an age such as 2h.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Store it; without it, say what it would mean.")] = False,
    as_json: Json = False,
) -> None:
    """Say where the group goes on in a partition, all workers stopped; 1 while it has members."""
    from worker.tools import offsets as offsets_commands  # noqa: PLC0415

    end(offsets_commands.set_offset(settings_of(context), partition, where, yes=yes, as_json=as_json))
