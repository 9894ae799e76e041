"""The commands `journal ...`."""

from typing import Annotated
from uuid import UUID

import typer

from worker.cli.ending import Json, end, settings_of, text
from worker.model.commands import Request

app = typer.Typer(help="What the journal knows.", no_args_is_help=True)


@app.command("show")
def show(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    event_id: Annotated[
        str | None, typer.Argument(parser=text, help="The journal's UUID; with --source, the event's own id.")
    ] = None,
    source: Annotated[str | None, typer.Option(parser=text, help="The event's source.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Look there alone; without an event, list it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many events of a partition, those seen last.")] = 50,
    *,
    as_json: Json = False,
) -> None:
    """Print what is known of an event, or of a partition's events; 1 where it is nothing."""
    from worker.tools.journal import show as showing  # noqa: PLC0415

    if event_id is None and (partition is None or source is not None):
        raise typer.BadParameter("name an event, or a --partition")
    event = None if event_id is None else event_of(event_id, source)
    end(showing.show(settings_of(context), event, partition, limit, as_json=as_json))


@app.command("unknown")
def unknown(context: typer.Context, *, as_json: Json = False) -> None:
    """Print every record whose customer may or may not exist, and how many there are."""
    from worker.tools.journal import show as showing  # noqa: PLC0415

    end(showing.unknown(settings_of(context), as_json=as_json))


@app.command("adopt")
def adopt(
    context: typer.Context,
    group: Annotated[
        str, typer.Option("--from", parser=text, help="The group that has it now; no worker of it may be at work.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
) -> None:
    """Take the journal over from a group that was renamed; 1 where there is nothing of that group's."""
    from worker.tools.journal import adoption as journal_adoption  # noqa: PLC0415

    end(journal_adoption.adopt(settings_of(context), group, yes=yes))


def event_of(event_id: str, source: str | None) -> UUID:
    """The journal's UUID for an event: as it was typed, or that of (source, id)."""
    if source is not None:
        return Request(source, event_id).event
    try:
        return UUID(event_id)
    except ValueError:
        raise typer.BadParameter(f"{event_id} is no UUID; with --source it may be any event's id") from None
