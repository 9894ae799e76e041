"""Events a second against latency and records in flight, and memory over records, as pictures."""

from functools import partial
from pathlib import Path

import matplotlib as mpl
from bench.figures import Line, Measured
from bench.observing import Scale, measured
from bench.payloads import Backlog
from bench.processes import workers
from bench.stage import Stage

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

LATENCIES = (0.005, 0.01, 0.02, 0.05, 0.1)
IN_FLIGHT = (16, 64, 256)
SIZE = (7.0, 4.2)


async def sweep(stage: Stage, scale: Scale, result: Measured) -> None:
    """One line for each number of records in flight."""
    backlog = Backlog(scale.backlog)
    for in_flight in IN_FLIGHT:
        settings = {"WORKER_DISPATCH__MAX_IN_FLIGHT": str(in_flight)}
        make = partial(workers, stage, backlog, settings=settings)
        points = []
        for latency in LATENCIES:
            window = await measured(stage, scale, make, backlog.events, latency)
            points.append((latency * 1000, window.rate))
            result.tell(f"{in_flight} in flight at {latency * 1000:g} ms: {window.rate:.0f}/s")
        result.lines.append(Line("latency", f"{in_flight} in flight", tuple(points)))


def draw(lines: list[Line], folder: Path) -> None:
    """Those plots for which something was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, on in (("latency", _latency), ("memory", _memory)):
        if drawn := [line for line in lines if line.plot == name]:
            figure = Figure(figsize=SIZE, layout="constrained")
            axes = figure.add_subplot()
            axes.grid(visible=True, alpha=0.3)
            on(axes, drawn)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def _latency(axes: Axes, lines: list[Line]) -> None:
    """Dashed: in flight ÷ latency, the most there can be."""
    for line in lines:
        latencies, rates = zip(*line.points, strict=True)
        (drawn,) = axes.plot(latencies, rates, marker="o", label=line.label)
        most = [int(line.label.split()[0]) / latency * 1000 for latency in latencies]
        axes.plot(latencies, most, linestyle="--", linewidth=1, color=drawn.get_color())
    axes.set(xscale="log", yscale="log", xlabel="latency of the API, ms", ylabel="events/s (dashed: most there can be)")
    axes.set_xticks([latency * 1000 for latency in LATENCIES], [f"{latency * 1000:g}" for latency in LATENCIES])
    axes.set_ylim(bottom=min(rate for line in lines for _, rate in line.points) / 2, top=20_000)
    axes.legend()


def _memory(axes: Axes, lines: list[Line]) -> None:
    for line in lines:
        records, memory = zip(*line.points, strict=True)
        axes.plot([record / 1000 for record in records], memory)
    axes.set(xlabel="thousands of records", ylabel="resident memory, MiB", ylim=(0, None))
