"""Part c: what more of something costs; the API answers at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from bench.figures import Aim, Figure, Measured, ratio
from bench.observing import Processes, Run, Scale, Window, interleaved, observed, per_cpu, quiet, rates, whole
from bench.past import worker_with_past
from bench.payloads import Backlog
from bench.processes import NONE, plain, workers
from bench.stage import Stage

KEYS = (1, 10, 1000)
PARTITIONS = (1, 6, 60, 600)
SIZES = (200, 2_000, 20_000)
SHALLOW = 10_000


@dataclass
class Growth:
    """One thing after another, each repeated and interleaved."""

    stage: Stage
    scale: Scale
    result: Measured
    starts: dict[str, list[float]] = field(default_factory=dict)

    def run(self, name: str, make: Callable[[], Processes], events: int, partitions: int = 0) -> Run:
        """Begun when so many partitions are restored; its first creation is noted, too."""

        async def once() -> Window:
            await quiet(self.stage, 0)
            async with make() as watched:
                await watched[0].restored(partitions)
                window = await observed(watched, self.stage, self.scale, events, busy=True)
                self.starts.setdefault(name, []).append(self.stage.double.first - watched[0].started)
                return window

        return once

    async def all(self, runs: Mapping[str, Run]) -> dict[str, list[Window]]:
        """Measured, and each in the table with events a CPU second and a second."""
        found = await interleaved(self.scale, runs, self.result.tell)
        for name, windows in found.items():
            self.add(name, "events/CPU s", per_cpu(windows))
            self.add(name, "events/s", rates(windows))
        return found

    def add(self, name: str, unit: str, values: tuple[float, ...], aim: Aim | None = None) -> None:
        self.result.figures.append(Figure("c", name, unit, values, aim))

    def compare(self, name: str, found: Mapping[str, list[Window]], aim: Aim | None = None) -> None:
        """The first of two with the second one, per CPU second, which other users of the machine touch least."""
        ours, theirs = found.values()
        self.result.figures.append(ratio("c", f"{name}, per CPU second", per_cpu(ours), per_cpu(theirs), aim))

    async def depth(self) -> None:
        """The same number of records of either backlog."""
        deep, shallow = Backlog(self.scale.deep), Backlog(SHALLOW)
        names = [f"backlog of {each.events:,}" for each in (deep, shallow)]
        each = zip(names, (deep, shallow), strict=True)
        found = await self.all({name: self.run(name, partial(workers, self.stage, it), SHALLOW) for name, it in each})
        self.compare(" ÷ ".join(names), found, Aim(">=", 0.95))

    async def ahead(self) -> None:
        """From the first record to the last one, since the intake comes first."""
        backlog, names = Backlog(self.scale.backlog), ("all taken in ahead", "few taken in ahead")
        most = ({"WORKER_DISPATCH__MAX_UNCOMMITTED": str(backlog.events)}, NONE)
        runs = {
            name: partial(whole, self.stage, partial(workers, self.stage, backlog, settings=each), backlog.events, 0)
            for name, each in zip(names, most, strict=True)
        }
        self.compare(" ÷ ".join(names), await self.all(runs))

    async def keys(self) -> None:
        """Few keys leave little to do at once."""
        backlogs = {f"keys: {keys:,}": Backlog(self.scale.backlog, keys=keys) for keys in KEYS}
        backlogs["keys: all distinct"] = Backlog(self.scale.backlog)
        await self.all(
            {name: self.run(name, partial(workers, self.stage, it), it.events) for name, it in backlogs.items()}
        )

    async def partitions(self) -> None:
        """Each has a claim, a journal and a place in every poll."""
        # Much of it is done while the last ones of hundreds are restored.
        backlogs = {f"partitions: {number}": Backlog(self.scale.deep, number) for number in PARTITIONS}
        runs = {
            name: self.run(name, partial(workers, self.stage, it), it.events, it.partitions)
            for name, it in backlogs.items()
        }
        found = await self.all(runs)
        for name in found:
            self.add(f"{name}, start to first POST", "s", tuple(self.starts[name]))
        pair = {name: found[name] for name in ("partitions: 600", "partitions: 6")}
        self.compare(" ÷ ".join(pair), pair, Aim(">=", 0.9))

    async def journal(self) -> None:
        """Entries of records that are committed, within the window."""
        entries = self.scale.journal
        backlog = Backlog(entries + self.scale.backlog)
        runs = {
            name: self.run(name, partial(worker_with_past, self.stage, backlog, number), self.scale.backlog)
            for name, number in ((f"journal of {entries:,}", entries), ("empty journal", 0))
        }
        found = await self.all(runs)
        for name in found:
            self.add(f"{name}, start to first POST", "s", tuple(self.starts[name]))
        self.compare(" ÷ ".join(found), found)
        await self.stage.forget(backlog)

    async def sizes(self) -> None:
        """Against the bare loop with the same bodies."""
        for size in SIZES:
            backlog = Backlog(self.scale.backlog // (4 if size > 10_000 else 1), size=size)
            ours, theirs = f"{size / 1000:g} KB", f"bare loop, {size / 1000:g} KB"
            runs = {
                ours: self.run(ours, partial(workers, self.stage, backlog), backlog.events),
                theirs: self.run(theirs, partial(plain, self.stage, "bare", backlog), 10**9),
            }
            self.compare(f"worker ÷ bare loop, {size / 1000:g} KB", await self.all(runs))
            await self.stage.forget(backlog)


async def part(stage: Stage, scale: Scale, result: Measured) -> None:
    """Depth, keys, partitions, journal, payload."""
    growth = Growth(stage, scale, result)
    for step in (growth.depth, growth.ahead, growth.keys, growth.partitions, growth.journal, growth.sizes):
        await step()
