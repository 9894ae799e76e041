"""The commands `offsets ...`."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.ending import Json, end, settings_of, text

if TYPE_CHECKING:
    from worker.tools.offsets import Where

app = typer.Typer(help="Where the group goes on reading.", no_args_is_help=True)


@app.callback()
def offsets() -> None:
    """Where the group goes on reading; for the hold `offsets_lost`."""


@app.command("set")
def set_(
    context: typer.Context,
    partition: Annotated[int, typer.Argument(min=0, help="Of the request topic.")],
    where: Annotated[
        str, typer.Argument(parser=text, help="earliest, latest, an offset, or a time: ISO, or an age such as 2h.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Store it; without it, say what it would mean.")] = False,
    as_json: Json = False,
) -> None:
    """Say where the group goes on in a partition, all workers stopped; 1 while it has members."""
    from worker.tools import offsets as offsets_commands  # noqa: PLC0415

    end(offsets_commands.set_offset(settings_of(context), partition, where_of(where), yes=yes, as_json=as_json))


def where_of(text: str) -> "Where":
    """The place that was typed: earliest, latest, an offset or a time."""
    from worker.tools.offsets import Moment  # noqa: PLC0415

    match text:
        case "earliest" | "latest" as end:
            return end
        case _:
            return int(text) if text.isdecimal() else Moment(_moment(text))


def _moment(text: str) -> int:
    from worker.tools.dead_letters.filters import moment_of  # noqa: PLC0415

    try:
        return moment_of(text, time.time())
    except ValueError:
        raise typer.BadParameter(f"{text}: none of earliest, latest, an offset, an age, an ISO time") from None
