"""The samples given to a worker and a sandbox that run already, and what became of each event."""

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
    """0 when every event ended as its sample says. It may be repeated: each trial's events are its own."""
    plan, looked_up = wiring.plan(settings), settings.reconcile.by != "none"
    samples, settling = samples_of_one_run(found=looked_up), wiring.settle_time(settings) if looked_up else 0.0
    with screen(PlainConsole(stderr=True, highlight=False)) as seen:
        async with remote_sandbox(settings.api.base_url) as sandbox:
            performance = Performance(wiring.connection(settings), plan, samples, more, seen, settling)
            verdict = await judged(performance, sandbox)
    print_verdict(verdict, plan, as_json=as_json)
    return int(not verdict.holds)


def samples_of_one_run(*, found: bool = False) -> list[Sample]:
    """With identities that no other trial has; `found`: a customer that nobody was told of is looked up."""
    run = uuid4().hex[:8]
    samples = [sample.model_copy(update={"run": run}) for sample in load_samples()]
    return [
        sample.model_copy(update={"ends": FOUND}) if found and sample.ends.reason == "outcome_unknown" else sample
        for sample in samples
    ]


async def judged(performance: Performance, sandbox: RemoteSandbox) -> Verdict:
    """Others may use the sandbox meanwhile, so that only duplicates are counted over all of it."""
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
