"""Commands for what stands in for Kafka and the API on this machine, and for trials of the whole."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from worker.cli.ending import Json, end, settings_of, text

app = typer.Typer()


@app.command()
def demo(
    context: typer.Context,
    *,
    events: Annotated[int, typer.Option(min=0, max=1_000_000, help="So many more customers, and events/s.")] = 0,
    registry: Annotated[
        bool, typer.Option("--registry", help="With a schema registry, too, and events in Avro.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave all running until Ctrl-C, with commands to try.")] = False,
    as_json: Json = False,
) -> None:
    """Everything on this machine: Kafka, sandbox API, sample events, the worker, and what became of each event."""
    from worker.sandbox.demo.command import run_demo  # noqa: PLC0415

    end(run_demo(settings_of(context), more=events, registry=registry, keep=keep, as_json=as_json))


@app.command()
def trial(
    context: typer.Context,
    *,
    events: Annotated[int, typer.Option(min=0, max=1_000_000, help="So many more customers.")] = 0,
    as_json: Json = False,
) -> None:
    """The demo's events for a worker and a sandbox that run already, and what became of each event."""
    from worker.sandbox.demo.trial import run_trial  # noqa: PLC0415

    end(run_trial(settings_of(context), more=events, as_json=as_json))


@app.command()
def sandbox(  # noqa: PLR0913  one parameter an option
    *,
    host: Annotated[str, typer.Option(parser=text, help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free port, printed.")] = 8090,
    faults: Annotated[Path | None, typer.Option(help="Faults from a TOML or JSON file.")] = None,
    fault_probability: Annotated[
        list[str] | None,
        typer.Option(parser=text, help="KIND=P: this fault to a share of the calls; may be given several times."),
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
    end(api.run_sandbox(config, faults=script, quiet=quiet))


@app.command()
def kafka(
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Unset: a free port, printed.")] = None,
    data: Annotated[Path | None, typer.Option(help="Keep the data there; unset: a temporary directory.")] = None,
) -> None:
    """A real single-node Apache Kafka on this machine, until interrupted."""
    from worker.sandbox.kafka_command import run_kafka  # noqa: PLC0415

    end(run_kafka(port, data))
