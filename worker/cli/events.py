"""Events before they are published, their schemas, and whether each has ended as promised."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.ending import Json, end, settings_of, text
from worker.terminal.text import say

if TYPE_CHECKING:
    from worker.customer.catalog import Catalog
    from worker.events.decode import Decoder
    from worker.events.mapping import EventMapping
    from worker.settings.settings import Settings
    from worker.tools.reading.key_path import KeyPath
    from worker.tools.verification.scan import Asked

app = typer.Typer()
schema = typer.Typer(help="Schemas of the events, on stdout.", no_args_is_help=True)


@app.command()
def validate(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="NDJSON, or one JSON or XML document; - is stdin.")],
    catalog: Annotated[Path | None, typer.Option(help="Configured values from a TOML or JSON file.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="What somebody else's events mean; shows what becomes of each.")
    ] = None,
    *,
    records: Annotated[
        bool, typer.Option(help="Each line is a record with payload, key, headers, as kcat -J prints it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check events against the rules of the API, as the worker would; sends nothing."""
    from worker.terminal.screen import PlainConsole  # noqa: PLC0415
    from worker.tools import validate as validation  # noqa: PLC0415

    settings = settings_of(context)
    decoder = _decoder(settings, validation.catalog_of(catalog, settings.customer.catalog), mapping)
    mapped = mapping is not None or settings.events.mapping is not None
    form = validation.Form(settings.topics.requests if mapped else "validate", records=records, mapped=mapped)
    raise typer.Exit(validation.report(validation.verdicts(file, decoder, form), PlainConsole(), as_json=as_json))


def _decoder(settings: "Settings", catalog: "Catalog | None", mapping: Path | None) -> "Decoder":
    from worker import wiring  # noqa: PLC0415

    return wiring.decoder(settings, catalog, _named(mapping))


def _named(mapping: Path | None) -> "EventMapping | None":
    from worker.events.mapping import load_mapping  # noqa: PLC0415

    return load_mapping(mapping, "--mapping") if mapping else None


@schema.command("customer")
def schema_customer() -> None:
    """JSON Schema of a request's data."""
    from worker.events import schema as schemas  # noqa: PLC0415

    say(schemas.printed(schemas.customer_schema()))


@schema.command("events")
def schema_events() -> None:
    """JSON Schema of the four CloudEvents, and of a dead letter's headers."""
    from worker.events import schema as schemas  # noqa: PLC0415

    say(schemas.printed(schemas.events_schema()))


@schema.command("asyncapi")
def schema_asyncapi(context: typer.Context) -> None:
    """AsyncAPI 3.0 of all topics, named and secured as the settings say."""
    from worker import wiring  # noqa: PLC0415
    from worker.events import asyncapi  # noqa: PLC0415
    from worker.events.schema import printed  # noqa: PLC0415

    say(printed(asyncapi.asyncapi(*wiring.described(settings_of(context)))))


@app.command()
def produce(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="NDJSON, or one JSON or XML document; - is stdin.")],
    key_path: Annotated[
        str | None,
        typer.Option(
            parser=text, help="Where each event has its key, such as data.pin or data.emails[0]; else subject, else id."
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second at most.")] = None,
    avro_subject: Annotated[
        str | None,
        typer.Option(parser=text, help="Write them in Avro, by this subject's newest schema in the schema registry."),
    ] = None,
    *,
    records: Annotated[
        bool, typer.Option(help="Each line is a record with payload, key, headers, as kcat -J prints it.")
    ] = False,
) -> None:
    """Publish events from a file to the request topic, once all of them are checked."""
    from worker.tools.produce import Asked, produce_file  # noqa: PLC0415

    if records and key_path is not None:
        raise typer.BadParameter("--key-path is for events: a record of --records has its own key")
    asked = Asked(_key_path(key_path), records, rate, avro_subject)
    end(produce_file(settings_of(context), file, asked))


def _key_path(typed: str | None) -> "KeyPath | None":
    from worker.tools.reading.key_path import key_path  # noqa: PLC0415

    try:
        return None if typed is None else key_path(typed)
    except ValueError as error:
        raise typer.BadParameter(f"--key-path: {error}") from None


@app.command()
def verify(  # noqa: PLR0913, PLR0917  one parameter an option
    context: typer.Context,
    partition: Annotated[int | None, typer.Option(min=0, help="Judge this partition of the requests alone.")] = None,
    first: Annotated[int | None, typer.Option("--from", min=0, help="From this offset on, of that partition.")] = None,
    last: Annotated[int | None, typer.Option("--to", min=0, help="Up to this offset, which is the last one.")] = None,
    since: Annotated[
        str | None, typer.Option(parser=text, help="Requests of that time or later: 2h, 7d, 2026-11-22T04:30Z")
    ] = None,
    until: Annotated[str | None, typer.Option(parser=text, help="Requests from before that time.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="By whose rules records are passed over; else the setting's.")
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until SIGTERM: what is found are log lines and metrics.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print whether every request ended as promised; 1 where one did not, with its offset."""
    from worker.tools.verification.verify import verify as verified  # noqa: PLC0415

    if follow:
        if as_json or any(given is not None for given in (partition, first, last, until)):
            raise typer.BadParameter("--follow judges everything from --since on, by metrics and log lines")
        _follow(context, _moments(since)[0], _named(mapping))
    if partition is None and (first is not None or last is not None):
        raise typer.BadParameter("--from and --to are offsets of a --partition")
    asked = _asked(partition, first, last, since, until)
    end(verified(settings_of(context), asked, _named(mapping), as_json=as_json))


def _follow(context: typer.Context, since: int | None, mapping: "EventMapping | None") -> None:
    from worker import logs  # noqa: PLC0415
    from worker.tools.audit.follow import follow  # noqa: PLC0415

    settings = settings_of(context)
    logs.configure(settings.log.level, settings.log.format)
    end(follow(settings, since, mapping), fast=True)


@app.command()
def rehearse(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    *,
    since: Annotated[
        str | None, typer.Option(parser=text, help="Records of that time or later: 2h, 7d, 2026-11-22T04:30Z")
    ] = None,
    until: Annotated[str | None, typer.Option(parser=text, help="Records from before that time.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many at most, of each partition its share.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Of this partition alone.")] = None,
    catalog: Annotated[Path | None, typer.Option(help="Configured values from a TOML or JSON file.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="What somebody else's events mean; else that setting's.")] = None,
    latency: Annotated[float, typer.Option(min=0.001, help="Seconds that the API takes for a call.")] = 0.2,
    in_flight: Annotated[
        int | None, typer.Option(min=1, help="Calls at once; WORKER_DISPATCH__MAX_IN_FLIGHT, where not given.")
    ] = None,
    tolerate: Annotated[float, typer.Option(min=0, max=100, help="Percent of the records that may fail.")] = 0,
    as_json: Json = False,
) -> None:
    """Read the request topic and print what would become of each record; 1 where more would fail than is tolerated.

    Nothing is written, sent or committed.
    """
    from worker import wiring  # noqa: PLC0415
    from worker.tools.rehearsal import rehearse as rehearsal  # noqa: PLC0415
    from worker.tools.rehearsal.choice import Asked  # noqa: PLC0415
    from worker.tools.validate import catalog_of  # noqa: PLC0415

    settings = settings_of(context)
    begins, ends = _moments(since, until)
    at_once = in_flight or settings.dispatch.max_in_flight
    live = catalog is None and settings.customer.catalog == "live"
    mapped = mapping is not None or settings.events.mapping is not None
    asked = Asked(begins, ends, limit, partition, tolerate, latency, at_once, live, mapped)
    decoding = wiring.decoding(settings, catalog_of(catalog, settings.customer.catalog), _named(mapping))
    end(rehearsal.rehearse(settings, asked, decoding, as_json=as_json), fast=True)


def _moments(*typed: str | None) -> list[int | None]:
    """The times that were typed, in milliseconds since the epoch; None where nothing was typed."""
    from worker.tools.dead_letters.filters import moment_of  # noqa: PLC0415

    now = time.time()
    try:
        return [None if text is None else moment_of(text, now) for text in typed]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _asked(partition: int | None, first: int | None, last: int | None, since: str | None, until: str | None) -> "Asked":
    """What was typed, as a choice of records; the offset `last` is included."""
    from worker.tools.verification.scan import Asked  # noqa: PLC0415

    begins, ends = _moments(since, until)
    return Asked(partition, first, None if last is None else last + 1, begins, ends)
