"""The commands that a person may try next, ready to paste."""

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from worker.sandbox.demo.samples import FOLDER
from worker.sandbox.demo.stage import Stage


def afterwards(*, registry: bool, more: int) -> Iterator[str]:
    """The lines shown when everything is about to end; `registry` and `more` tell what the person has seen already."""
    program = _program()
    yield "Try next:"
    yield f"  {program} demo --keep           leaves all running, with commands to play with"
    if not more:
        yield f"  {program} demo --events 5000    that many more customers, and events/s"
    if not registry:
        yield f"  {program} demo --registry       events in Avro, their schema in a real registry"
    yield f"  {program} sandbox --help        the API double alone, with faults on request"
    yield f"  {program} --help                everything else"


def meanwhile(stage: Stage, console: str) -> Iterator[str]:
    """The lines shown while everything is left running; `console` is the link to the operator's console."""
    program, url = _program(), stage.sandbox.base_url
    samples = shlex.quote(str(FOLDER))
    yield f"The operator's page, in a browser: {console}"
    yield "Everything runs until Ctrl-C. In another terminal, point every command at it:"
    yield from (f"  export {name}={shlex.quote(value)}" for name, value in sorted(told(stage.addresses).items()))
    yield "and then:"
    yield f"  {program} check"
    yield f"  {program} run    # a second worker in the same group"
    yield f"  {program} produce {samples}/group-required.json"
    if registry := stage.addresses.get("WORKER_EVENTS__REGISTRY_URL"):
        subject = f"{stage.plan.requests}-value"
        yield f"  {program} produce --avro-subject {subject} events.ndjson    # {samples}/customer.avsc"
        yield f"  curl -s {registry}/subjects"
    yield f"  curl -s {url}/_sandbox/ledger"
    yield f"  curl -s {url}/_sandbox/summary"
    yield f"""  curl -s {url}/_sandbox/faults -d '{{"kind": "reply_lost", "times": 1}}'    # and produce again"""
    yield f"  tail -f {shlex.quote(str(stage.worker.log))}"


def told(addresses: Mapping[str, str]) -> dict[str, str]:
    """The settings to show: all but a password for Kafka, which is somebody's own and set already.

    The sandbox's password is shown, as it guards nothing.
    """
    return {name: value for name, value in addresses.items() if name != "WORKER_KAFKA__PASSWORD"}


def _program() -> str:
    """The command that starts the program in this shell: the installed script, else `python -m worker`."""
    beside = Path(sys.executable).with_name("customer-worker")
    if shutil.which("customer-worker"):
        return "customer-worker"
    if not beside.exists():
        return f"{sys.executable} -m worker"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))
