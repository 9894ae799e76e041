"""Gives the samples to a worker and a sandbox that run already, and judges what became of each event."""

import asyncio
from uuid import uuid4

from worker import wiring
from worker.counting import counted
from worker.sandbox.demo.command import print_verdict
from worker.sandbox.demo.control import RemoteSandbox, remote_sandbox
from worker.sandbox.demo.performance import Performance
from worker.sandbox.demo.samples import Ends, Sample, load_samples
from worker.sandbox.demo.screen import screen
from worker.sandbox.demo.verdict import More, Verdict
from worker.settings.settings import Settings
from worker.terminal.screen import PlainConsole

FOUND = Ends(outcome="succeeded", resolution="reconciled", attempts=1)


async def run_trial(settings: Settings, *, more: int, as_json: bool) -> int:
    """Return 0 when every event ended as its sample says, else 1. May be repeated: each trial has events of its own."""
    plan, looked_up = wiring.plan(settings), settings.reconcile.by != "none"
    samples, settling = samples_of_one_run(found=looked_up), wiring.settle_time(settings) if looked_up else 0.0
    with screen(PlainConsole(stderr=True, highlight=False)) as seen:
        async with remote_sandbox(settings.api.base_url) as sandbox:
            performance = Performance(wiring.connection(settings), plan, samples, more, seen, settling)
            verdict = await judged(performance, sandbox)
    print_verdict(verdict, plan, as_json=as_json)
    return int(not verdict.holds)


def samples_of_one_run(*, found: bool = False) -> list[Sample]:
    """The samples with identities that no other trial has.

    With `found`, a customer whose creation has an unknown outcome is expected to be found by a search.
    """
    run = uuid4().hex[:8]
    samples = [sample.model_copy(update={"run": run}) for sample in load_samples()]
    return [
        sample.model_copy(update={"ends": FOUND}) if found and sample.ends.reason == "outcome_unknown" else sample
        for sample in samples
    ]


async def judged(performance: Performance, sandbox: RemoteSandbox) -> Verdict:
    """Play the events and judge them. Others may use the sandbox too, so only its duplicates are counted as a whole."""
    before = await sandbox.duplicates()
    await sandbox.script(fault for sample in performance.samples if (fault := sample.scripted()))
    problem = await _played(performance)
    created = await sandbox.created_for({sample.identity for sample in performance.samples})
    return Verdict(
        performance.rows(created),
        More(performance.asked, performance.more),
        tuple(filter(None, [problem, _duplicated(await sandbox.duplicates() - before)])),
    )


async def _played(performance: Performance) -> str | None:
    try:
        await asyncio.wait_for(performance.play(), performance.patience)
    except TimeoutError:
        return f"not everything ended within {performance.patience:.0f} s"
    return None


def _duplicated(number: int) -> str | None:
    return f"the API created {counted(number, 'customer')} more than once" if number else None
