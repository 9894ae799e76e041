"""Part a: events a CPU second, the API answering at once."""

from collections.abc import Callable

from bench.figures import Aim, Figure, Measured, ratio
from bench.observing import Processes, Run, Scale, interleaved, measured, per_cpu, rates
from bench.payloads import Backlog
from bench.processes import plain, workers
from bench.stage import Stage

WITHOUT_JOURNAL = {"WORKER_JOURNAL__ENABLED": "false"}
NAMES = {
    "on": "worker, journal on",
    "off": "worker, journal off",
    "bare": "bare POST loop",
    "gather": "plain worker, a batch at once",
    "partition": "plain worker, one at a time per partition",
    "one": "plain worker, one at a time",
    "on before": "worker before, journal on",
    "off before": "worker before, journal off",
}
AIMS = {("on", "bare"): Aim(">=", 0.4), ("off", "bare"): Aim(">=", 0.6)}


def contestants(stage: Stage, backlog: Backlog) -> dict[str, Callable[[], Processes]]:
    """All that can be compared with each other on one backlog."""
    made: dict[str, Callable[[], Processes]] = {
        "on": lambda: workers(stage, backlog),
        "off": lambda: workers(stage, backlog, settings=WITHOUT_JOURNAL),
        "bare": lambda: plain(stage, "bare", backlog),
        "gather": lambda: plain(stage, "gather", backlog),
        "partition": lambda: plain(stage, "partition", backlog),
        "one": lambda: plain(stage, "one", backlog),
    }
    if before := stage.before:
        made["on before"] = lambda: workers(stage, backlog, settings=before)
        made["off before"] = lambda: workers(stage, backlog, settings={**before, **WITHOUT_JOURNAL})
    return made


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """Each against the bare loop and against the others."""
    backlog = Backlog(scale.backlog)
    runs: dict[str, Run] = {
        NAMES[name]: _run(stage, scale, make, backlog.events if name != "bare" else 10**9)
        for name, make in contestants(stage, backlog).items()
    }
    found = await interleaved(scale, runs, result.tell)
    for name, windows in found.items():
        result.figures.append(Figure("a", name, "events/CPU s", per_cpu(windows)))
        result.figures.append(Figure("a", name, "events/s", rates(windows)))
    for ours in ("on", "off"):
        for theirs in ("bare", "gather", "partition", "one", *([f"{ours} before"] if stage.before else [])):
            name = f"{NAMES[ours]} ÷ {NAMES[theirs]}, per CPU second"
            values = per_cpu(found[NAMES[ours]]), per_cpu(found[NAMES[theirs]])
            result.figures.append(ratio("a", name, *values, AIMS.get((ours, theirs))))


def _run(stage: Stage, scale: Scale, make: Callable[[], Processes], events: int, latency: float = 0) -> Run:
    return lambda: measured(stage, scale, make, events, latency)
