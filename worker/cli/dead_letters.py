"""The commands `dead-letters ...`: argument parsing only."""

import time
from typing import Annotated

import typer

from worker.cli.ending import Json, end, settings_of, text
from worker.customer.customer_id import usable_id
from worker.model.commands import Kind
from worker.tools.dead_letters.filters import Filter, moment_of, named
from worker.tools.dead_letters.letters import KINDS

app = typer.Typer(help="What failed, and what can be done about it.", no_args_is_help=True)

Named = Annotated[
    list[str] | None, typer.Argument(parser=text, help="PARTITION@OFFSET or an event's id; none: all that fit.")
]
Reason = Annotated[list[str] | None, typer.Option(parser=text, help=f"{', '.join(KINDS)}; may be given several times.")]
Status = Annotated[list[int] | None, typer.Option(help="What the API answered; may be given several times.")]
Since = Annotated[str | None, typer.Option(parser=text, help="From then on: an age such as 2h, or an ISO time.")]
Until = Annotated[str | None, typer.Option(parser=text, help="Before then, likewise.")]
Partition = Annotated[int | None, typer.Option(min=0, help="Of the dead letters.")]
EventId = Annotated[list[str] | None, typer.Option(parser=text, help="May be given several times.")]
Key = Annotated[str | None, typer.Option(parser=text, help="The record's key, as UTF-8.")]


@app.command("list")
def list_(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    letters: Named = None,
    *,
    reason: Reason = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    partition: Partition = None,
    event_id: EventId = None,
    key: Key = None,
    limit: Annotated[int | None, typer.Option(min=1, max=100_000, help="50, unless it is a --summary.")] = None,
    summary: Annotated[bool, typer.Option("--summary", help="How many of each reason, and from when.")] = False,
    as_json: Json = False,
) -> None:
    """Print dead letters, the newest first; nothing of the customer."""
    from worker.tools.dead_letters.list_letters import list_letters  # noqa: PLC0415  each command imports only what it needs

    wanted = _filter(letters, reason, status, since, until, partition, event_id, key)
    most = limit if summary else limit or 50
    end(list_letters(settings_of(context), wanted, most, summary=summary, as_json=as_json))


@app.command()
def show(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(parser=text, help="PARTITION@OFFSET, or an event's id: then its newest.")],
    *,
    payload: Annotated[
        bool, typer.Option("--payload", help="With key, value and headers, and what would be sent: personal data.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print everything about one dead letter; 1 where there is none."""
    from worker.tools.dead_letters import show as showing  # noqa: PLC0415

    places, events = named([letter])
    end(showing.show(settings_of(context), Filter(places=places, events=events), payload=payload, as_json=as_json))


@app.command()
def replay(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    letters: Named = None,
    *,
    reason: Reason = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    partition: Partition = None,
    event_id: EventId = None,
    key: Key = None,
    limit: Annotated[int | None, typer.Option(min=1, max=10_000_000, help="So many, the newest that fit.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, max=1_000_000, help="Records a second at most.")] = None,
    deadline: Annotated[float, typer.Option(min=0.1, max=604_800, help="How many seconds --follow waits.")] = 60,
    everything: Annotated[bool, typer.Option("--all", help="All there are, where nothing else selects.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
    accept_duplicates: Annotated[
        bool, typer.Option("--accept-duplicates", help="Send even where the customer may exist already.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for what becomes of each.")] = False,
    as_json: Json = False,
) -> None:
    """Publish dead letters to the request topic again, each once; a dry run without --yes."""
    from worker.tools.dead_letters import replay_letters  # noqa: PLC0415

    wanted = _filter(letters, reason, status, since, until, partition, event_id, key)
    if wanted == Filter() and limit is None and not everything:
        raise typer.BadParameter("name dead letters, filter them, or say --all")
    asked = replay_letters.Asked(limit, rate, yes, accept_duplicates, deadline if follow else None, as_json)
    end(replay_letters.replay(settings_of(context), wanted, asked))


@app.command()
def resolve(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    letter: Annotated[str, typer.Argument(parser=text, help="PARTITION@OFFSET of an outcome_unknown.")],
    *,
    customer_id: Annotated[str, typer.Option(parser=text, help="Under which the customer is in the CRM.")],
    customer_type: Annotated[Kind | None, typer.Option(help="Where the payload does not tell it (any more).")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for what becomes of it.")] = False,
    deadline: Annotated[float, typer.Option(min=0.1, max=604_800, help="How many seconds --follow waits.")] = 60,
    as_json: Json = False,
) -> None:
    """Tell the worker which customer an event in doubt has: it ends as succeeded, and nothing is sent; a dry run
    without --yes.
    """
    from worker.tools.dead_letters import resolve_letter  # noqa: PLC0415

    place = next(iter(named([letter])[0]), None)
    if place is None:
        raise typer.BadParameter(f"{letter}: name the dead letter, as PARTITION@OFFSET")
    if not usable_id(customer_id):
        raise typer.BadParameter(f"--customer-id {customer_id}: an id has a digit, and letters, digits, _ and - alone")
    asked = resolve_letter.Asked(customer_id, customer_type, yes, deadline if follow else None, as_json)
    end(resolve_letter.resolve(settings_of(context), place, asked))


def _filter(  # noqa: PLR0913, PLR0917  one parameter an option
    letters: list[str] | None,
    reasons: list[str] | None,
    statuses: list[int] | None,
    since: str | None,
    until: str | None,
    partition: int | None,
    events: list[str] | None,
    key: str | None,
) -> Filter:
    if unknown := set(reasons or ()) - set(KINDS):
        raise typer.BadParameter(f"--reason {', '.join(sorted(unknown))}: it is one of {', '.join(KINDS)}")
    places, named_events = named(letters or ())
    return Filter(
        frozenset(reasons or ()),
        frozenset(statuses or ()),
        _moment(since),
        _moment(until),
        partition,
        None if key is None else key.encode(),
        named_events | frozenset(events or ()),
        places,
    )


def _moment(text: str | None) -> int | None:
    try:
        return None if text is None else moment_of(text, time.time())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
