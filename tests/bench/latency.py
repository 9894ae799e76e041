"""Part b: what the API's latency leaves; in flight ÷ latency is the most that can be reached."""

from dataclasses import dataclass
from functools import partial

from bench.figures import Aim, Figure, Measured, ratio
from bench.observing import Scale, Window, interleaved, measured, rates, whole
from bench.payloads import Backlog
from bench.processes import IN_FLIGHT, plain, workers
from bench.stage import Stage

LATENCIES = (0.005, 0.02, 0.05)
NEARLY_ALL = Aim(">=", 0.97)
AIMED_AT = {0.02, 0.05}
BAR = Aim(">=", 20)


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """Distinct keys, few keys, one hot key, two workers."""
    for seconds in LATENCIES:
        await _distinct(stage, scale, seconds, result)
    for case in CASES:
        await _keyed(stage, scale, case, result)
    await _two(stage, scale, result)


async def _distinct(stage: Stage, scale: Scale, latency: float, result: Measured) -> None:
    backlog, at = Backlog(scale.backlog), f"at {latency * 1000:g} ms"
    runs = {
        f"worker {at}": lambda: measured(stage, scale, lambda: workers(stage, backlog), backlog.events, latency),
        f"bare loop {at}": lambda: measured(stage, scale, lambda: plain(stage, "bare", backlog), 10**9, latency),
    }
    if latency == 0.02:  # the latency at which the plain ones are compared
        for kind in ("gather", "partition", "one"):
            runs[f"plain {kind} {at}"] = partial(
                measured, stage, scale, partial(plain, stage, kind, backlog), backlog.events, latency
            )
    found = await interleaved(scale, runs, result.tell)
    ours, bare, *plain_ones = (rates(windows) for windows in found.values())
    result.figures += [Figure("b", name, "events/s", rates(windows)) for name, windows in found.items()]
    result.figures.append(ratio("b", f"worker ÷ (in flight ÷ latency) {at}", ours, IN_FLIGHT / latency))
    result.figures.append(
        ratio("b", f"worker ÷ bare loop {at}", ours, bare, NEARLY_ALL if latency in AIMED_AT else None)
    )
    for kind, theirs in zip(("gather", "partition", "one"), plain_ones, strict=False):
        result.figures.append(ratio("b", f"worker ÷ plain {kind} {at}", ours, theirs, BAR if kind == "one" else None))


@dataclass(frozen=True)
class Case:
    """`ideal`: events a second where no key has two in flight."""

    name: str
    latency: float
    keys: int
    hot: float = 0.0
    aim: Aim | None = None

    @property
    def ideal(self) -> float:
        return 1 / self.hot / self.latency if self.hot else self.keys / self.latency


CASES = (
    Case("10 keys at 20 ms", 0.02, 10, aim=Aim(">=", 0.95)),
    Case("half of it one key, at 20 ms", 0.02, 0, hot=0.5),
)


async def _keyed(stage: Stage, scale: Scale, case: Case, result: Measured) -> None:
    """With a hot key the time of the whole backlog counts: the others' events are done long before."""
    events = round(case.ideal * (scale.warm_up + scale.seconds) * (1 if case.hot else 1.5))
    backlog = Backlog(events, keys=case.keys, hot=case.hot)

    async def run() -> Window:
        if case.hot:
            return await whole(stage, lambda: workers(stage, backlog), events, case.latency)
        return await measured(stage, scale, lambda: workers(stage, backlog), events, case.latency)

    found = rates((await interleaved(scale, {case.name: run}, result.tell))[case.name])
    result.figures.append(Figure("b", f"worker, {case.name}", "events/s", found))
    result.figures.append(ratio("b", f"worker ÷ ideal, {case.name}", found, case.ideal, case.aim))


async def _two(stage: Stage, scale: Scale, result: Measured) -> None:
    """The second one joins before the first creation, or while the first one is warming up."""
    latency, backlog = 0.05, Backlog(scale.backlog)
    runs = {
        f"{count} at 50 ms": partial(
            measured, stage, scale, partial(workers, stage, backlog, count), backlog.events, latency
        )
        for count in (1, 2)
    }
    one, two = (rates(windows) for windows in (await interleaved(scale, runs, result.tell)).values())
    result.figures.append(Figure("b", "two workers at 50 ms", "events/s", two))
    result.figures.append(ratio("b", "two workers ÷ one at 50 ms", two, one))
