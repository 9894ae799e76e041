"""The command that shows everything on this machine: starts it, and prints what became of the events."""

import asyncio
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import orjson
from pydantic import SecretStr

from worker import wiring
from worker.sandbox.demo import advice, beside
from worker.sandbox.demo.performance import Performance
from worker.sandbox.demo.play import Play
from worker.sandbox.demo.samples import OF_REGISTRY, load_samples
from worker.sandbox.demo.screen import Screen, screen
from worker.sandbox.demo.show import document, show
from worker.sandbox.demo.stage import GivenKafka, Stage, staged
from worker.sandbox.demo.verdict import Verdict
from worker.settings.settings import Settings
from worker.terminal.screen import PlainConsole
from worker.terminal.text import escaped, say
from worker.topics import Plan

WIDTH = 150
"""The width of the table where no terminal says how wide it is."""


async def run_demo(settings: Settings, *, more: int, registry: bool, keep: bool, as_json: bool) -> int:
    """Return 0 when every event ended as its sample says, else 1. All that was started has ended on return or error."""
    _end_on_sigterm()
    with screen(PlainConsole(stderr=True, highlight=False)) as seen:
        try:
            verdict = await _shown(settings, more, seen, registry=registry, keep=keep, as_json=as_json)
        except asyncio.CancelledError:
            seen.tell("interrupted; all that was started has ended")
            raise
    return int(not verdict.holds)


async def _shown(  # noqa: PLR0913  one for each option
    settings: Settings, more: int, seen: Screen, *, registry: bool, keep: bool, as_json: bool
) -> Verdict:
    samples = load_samples(OF_REGISTRY) if registry else load_samples()
    name = f"demo-{uuid4().hex[:8]}"
    given = given_kafka(settings, name)
    plan = plan_of(settings, f"{name}." if given else "")
    async with staged(given, plan, samples, seen.tell, registry=registry) as stage:
        verdict = await Play(stage, Performance(stage.connection, stage.plan, stage.samples, more, seen)).run()
        if not keep:
            verdict = await _drained(stage, verdict)
        seen.close()
        stage.worker.log_stays = not verdict.holds
        log = None if verdict.holds else str(stage.worker.log)
        print_verdict(verdict, stage.plan, log, as_json=as_json)
        if keep:
            await _kept(stage, seen)
    if not keep:
        _tell(advice.afterwards(registry=registry, more=more), seen)
    return verdict


def given_kafka(settings: Settings, group: str) -> GivenKafka | None:
    """The Kafka that the settings name, joined in the consumer group `group`; None where they name none."""
    named = settings.kafka.model_dump(exclude_unset=True, exclude={"group_instance_id"}) | {"group_id": group}
    if "bootstrap_servers" not in named:
        return None
    given = {f"WORKER_KAFKA__{name.upper()}": _text(value) for name, value in named.items() if value is not None}
    return GivenKafka(wiring.connection(settings), given)


def _text(value: object) -> str:
    """The value as an environment variable; a path is made absolute, as the worker runs in another directory."""
    if isinstance(value, Path):
        return str(value.absolute())
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def plan_of(settings: Settings, prefix: str) -> Plan:
    """The topics of the demonstration; `prefix` keeps them apart in a Kafka that somebody else runs."""
    usual = Plan()
    return Plan(
        f"{prefix}{usual.requests}",
        f"{prefix}{usual.succeeded}",
        f"{prefix}{usual.failed}",
        f"{prefix}{usual.dead_letters}",
        f"{prefix}{usual.journal}",
        partitions=settings.topics.partitions,
        replication_factor=settings.topics.replication_factor,
    )


async def _drained(stage: Stage, verdict: Verdict) -> Verdict:
    """Stop the worker; the verdict gets a problem if it does not drain, or ends with another status than 0."""
    status = await stage.worker.stop()
    if status == 0 or verdict.problems:
        return verdict
    ended = "did not drain in time" if status is None else f"ended with status {status}"
    return replace(verdict, problems=(*verdict.problems, f"the worker {ended}"))


def print_verdict(verdict: Verdict, plan: Plan, log: str | None = None, *, as_json: bool) -> None:
    """Print a table, or a JSON document; `log` is where the worker's log stays, if it does."""
    if as_json:
        say(escaped(orjson.dumps(document(verdict, log), option=orjson.OPT_INDENT_2).decode()))
        return
    output = PlainConsole(highlight=False)
    output = output if output.is_terminal else PlainConsole(highlight=False, width=WIDTH)
    show(verdict, plan.requests.removesuffix("requests"), output)
    if log:
        output.print(f"the worker's log: {log}", soft_wrap=True)


async def _kept(stage: Stage, seen: Screen) -> None:
    """Run the console and print what to try; returns when interrupted."""
    loop, interrupted = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    async with beside.console(stage) as link:
        _tell(advice.meanwhile(stage, link), seen)
        await interrupted.wait()


def _tell(lines: Iterable[str], seen: Screen) -> None:
    for line in lines:
        seen.tell(line)


def _end_on_sigterm() -> None:
    """Let SIGTERM cancel this task, as Ctrl-C does, so that all that was started is ended first."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
