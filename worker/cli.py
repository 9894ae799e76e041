"""The commands: argument parsing only. Exit codes: 0 done, 1 it did not hold, 2 wrong usage or settings."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from worker import __version__, configuration, logs
from worker.dead_letters import cli as dead_letters
from worker.errors import SettingsError, WorkerError
from worker.settings import Settings

app = typer.Typer(
    name="customer-worker",
    help="Keeps a CRM in step with a Kafka event stream, without creating customers twice.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
topics = typer.Typer(help="The five topics.", no_args_is_help=True)
app.add_typer(topics, name="topics")
journal = typer.Typer(help="What the journal knows.", no_args_is_help=True)
app.add_typer(journal, name="journal")
schema = typer.Typer(help="Schemas of the events, on stdout.", no_args_is_help=True)
app.add_typer(schema, name="schema")
app.add_typer(dead_letters.app, name="dead-letters")

Json = Annotated[bool, typer.Option("--json", help="One JSON document a line on stdout.")]


def main() -> None:
    """The console script: an error of ours is one line, never a traceback."""
    try:
        app()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except WorkerError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


def _version(asked: bool) -> None:  # noqa: FBT001  typer calls it with the flag
    if asked:
        typer.echo(__version__)
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


def _collect_rarely() -> None:
    """Records leave hardly a cycle behind, and the journal is a large heap to search for them: a sixth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, where it could be installed: a third less time for each record."""
    try:
        import uvloop  # noqa: PLC0415  of no use to other commands
    except ImportError:
        return None
    return uvloop.new_event_loop


def _settings(context: typer.Context) -> Settings:
    return configuration.load(context.obj)


def _run(coroutine: Coroutine[Any, Any, int | None], *, fast: bool = False) -> None:
    try:
        with asyncio.Runner(loop_factory=_fast_loop() if fast else None) as runner:
            if fast:
                _collect_rarely()
            code = runner.run(coroutine)
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = 1
    raise typer.Exit(code or 0)


@app.command()
def run(context: typer.Context) -> None:
    """Run the worker until SIGTERM or SIGINT; 0 after a clean drain."""
    from worker import app as worker_app  # noqa: PLC0415  each command imports only what it needs

    settings = _settings(context)
    logs.configure(settings.log.level, settings.log.format)
    _run(worker_app.run(settings, lambda: _settings(context)), fast=True)


@topics.command("create")
def topics_create(context: typer.Context) -> None:
    """Make the topics that are missing, and say what exists and what differs."""
    from worker import kafka_commands  # noqa: PLC0415

    _run(kafka_commands.create_topics(_settings(context)))


@journal.command("show")
def journal_show(  # noqa: PLR0913  one parameter an option
    context: typer.Context,
    event_id: Annotated[
        str | None, typer.Argument(help="The journal's UUID; with --source, the event's own id.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="The event's source.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Look there alone; without an event, list it.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many events of a partition, those seen last.")] = 50,
    *,
    as_json: Json = False,
) -> None:
    """Print what is known of an event, or of a partition's events; 1 where it is nothing."""
    from worker import journal_commands  # noqa: PLC0415

    if event_id is None and (partition is None or source is not None):
        raise typer.BadParameter("name an event, or a --partition")
    event = None if event_id is None else journal_commands.event_of(event_id, source)
    _run(journal_commands.show(_settings(context), event, partition, limit, as_json=as_json))


@journal.command("unknown")
def journal_unknown(context: typer.Context, *, as_json: Json = False) -> None:
    """Print every record whose customer may or may not exist, and how many there are."""
    from worker import journal_commands  # noqa: PLC0415

    _run(journal_commands.unknown(_settings(context), as_json=as_json))


@app.command()
def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Print each thing that must be right before `run` can work."""
    from worker import kafka_commands  # noqa: PLC0415

    _run(kafka_commands.check_all(_settings(context), context.obj, as_json=as_json))


@app.command()
def health(context: typer.Context) -> None:
    """Ask the worker beside us whether it is alive; 1 where it is not. For a container's health check."""
    from worker.health import problem  # noqa: PLC0415

    if found := problem(_settings(context).ops):
        typer.echo(found, err=True)
        raise typer.Exit(1)


@app.command()
def verify(  # noqa: PLR0913, PLR0917  one parameter an option
    context: typer.Context,
    partition: Annotated[int | None, typer.Option(min=0, help="Judge this partition of the requests alone.")] = None,
    first: Annotated[int | None, typer.Option("--from", min=0, help="From this offset on, of that partition.")] = None,
    last: Annotated[int | None, typer.Option("--to", min=0, help="Up to this offset, which is the last one.")] = None,
    since: Annotated[str | None, typer.Option(help="Requests of that time or later: 2h, 7d, 2026-11-22T04:30Z")] = None,
    until: Annotated[str | None, typer.Option(help="Requests from before that time.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Print whether every request ended as promised; 1 where one did not, with its offset."""
    from worker.verification import command  # noqa: PLC0415

    if partition is None and (first is not None or last is not None):
        raise typer.BadParameter("--from and --to are offsets of a --partition")
    asked = command.asked(partition, first, last, since, until)
    _run(command.verify(_settings(context), asked, as_json=as_json))


@app.command()
def validate(
    context: typer.Context,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="NDJSON, or one JSON or XML document; - is stdin.")],
    catalog: Annotated[Path | None, typer.Option(help="Configured values from a TOML or JSON file.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Check events against the rules of the API, as the worker would; sends nothing."""
    from rich.console import Console  # noqa: PLC0415

    from worker import validate as validation  # noqa: PLC0415
    from worker import wiring  # noqa: PLC0415

    settings = _settings(context)
    decoder = wiring.decoder(settings, validation.catalog_of(catalog, settings.customer.catalog))
    raise typer.Exit(validation.report(validation.verdicts(file, decoder), Console(), as_json=as_json))


@schema.command("customer")
def schema_customer() -> None:
    """JSON Schema of a request's data."""
    from worker import schema as schemas  # noqa: PLC0415

    typer.echo(schemas.printed(schemas.customer_schema()))


@schema.command("events")
def schema_events() -> None:
    """JSON Schema of the three CloudEvents, and of a dead letter's headers."""
    from worker import schema as schemas  # noqa: PLC0415

    typer.echo(schemas.printed(schemas.events_schema()))


@schema.command("asyncapi")
def schema_asyncapi(context: typer.Context) -> None:
    """AsyncAPI 3.0 of all topics, named and secured as the settings say."""
    from worker import asyncapi, wiring  # noqa: PLC0415
    from worker.schema import printed  # noqa: PLC0415

    typer.echo(printed(asyncapi.asyncapi(*wiring.described(_settings(context)))))


@app.command()
def produce(
    context: typer.Context,
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="NDJSON, or one JSON or XML document; - is stdin.")],
    key_path: Annotated[
        str | None, typer.Option(help="Where the key stands in each event, such as data.pin; else subject, else id.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second at most.")] = None,
) -> None:
    """Publish events from a file to the request topic."""
    from worker import kafka_commands  # noqa: PLC0415

    _run(kafka_commands.produce_file(_settings(context), file, key_path, rate))


@app.command()
def sandbox(  # noqa: PLR0913  one parameter an option
    *,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free port, printed.")] = 8090,
    faults: Annotated[Path | None, typer.Option(help="Faults from a TOML or JSON file.")] = None,
    fault_probability: Annotated[
        list[str] | None, typer.Option(help="KIND=P: this fault to a share of the calls; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Makes the drawn faults repeatable.")] = 0,
    catalog: Annotated[Path | None, typer.Option(help="Configured values from a TOML or JSON file.")] = None,
    shared_emails: Annotated[
        bool, typer.Option("--shared-emails", help="An address may be used again, as the API's own examples do.")
    ] = False,
    by_trace: Annotated[
        bool, typer.Option("--by-trace", help="Know events by their trace, whatever custom attribute they carry.")
    ] = False,
    quiet: Annotated[bool, typer.Option(help="No line per call.")] = False,
) -> None:
    """The API double alone: strict to the API's pages, with a ledger and faults on request."""
    from worker.sandbox import api  # noqa: PLC0415

    script = [*(api.load_faults(faults) if faults else ()), *api.faults_by_chance(fault_probability or ())]
    configured = api.load_configured_values(catalog) if catalog else api.ConfiguredValues()
    config = api.SandboxConfig(host=host, port=port, seed=seed, configured=configured, unique_emails=not shared_emails)
    config = replace(config, identity_attribute=None) if by_trace else config
    _run(api.run_sandbox(config, faults=script, quiet=quiet))


@app.command()
def kafka(
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Unset: a free port, printed.")] = None,
    data: Annotated[Path | None, typer.Option(help="Keep the data there; unset: a temporary directory.")] = None,
) -> None:
    """A real single-node Apache Kafka on this machine, until interrupted."""
    from worker.sandbox.kafka_command import run_kafka  # noqa: PLC0415

    _run(run_kafka(port, data))


@app.command()
def demo(
    context: typer.Context,
    *,
    events: Annotated[int, typer.Option(min=0, max=1_000_000, help="So many more customers, and events/s.")] = 0,
    keep: Annotated[bool, typer.Option("--keep", help="Leave all running until Ctrl-C, with commands to try.")] = False,
    as_json: Json = False,
) -> None:
    """Everything on this machine: Kafka, sandbox API, sample events, the worker, and what became of each event."""
    from worker.sandbox.demo.command import run_demo  # noqa: PLC0415

    _run(run_demo(_settings(context), more=events, keep=keep, as_json=as_json))


@app.command()
def trial(
    context: typer.Context,
    *,
    events: Annotated[int, typer.Option(min=0, max=1_000_000, help="So many more customers.")] = 0,
    as_json: Json = False,
) -> None:
    """The demo's events for a worker and a sandbox that run already, and what became of each event."""
    from worker.sandbox.demo.trial import run_trial  # noqa: PLC0415

    _run(run_trial(_settings(context), more=events, as_json=as_json))
