"""A day as one picture: what came and was created, what lagged, how the API did, and what memory the workers took."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import matplotlib as mpl
from bench.soaking.curves import Sample, behind, lives
from bench.soaking.day import HOURS, MAINTENANCE, Day

mpl.use("Agg")
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SIZE = (8.0, 9.0)
POINTS: Final = 240
COLOURS: Final = ("C0", "C1", "C2")


def draw(day: Day, samples: Sequence[Sample], struck: Sequence[float], folder: Path) -> Path:
    """The file that was written: `soak.svg`."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=SIZE, layout="constrained")
    panels = figure.subplots(4, 1, sharex=True)
    few = samples[:: max(1, len(samples) // POINTS)]
    for axes, on in zip(panels, (_rates, _lag, _api, _memory), strict=True):
        on(axes, day, few)
        axes.grid(visible=True, alpha=0.3)
        axes.set_ylim(bottom=0)
        for first, end, _ in MAINTENANCE:
            axes.axvspan(first, end, alpha=0.2, color="grey", linewidth=0)
        axes.vlines([day.clock(at) for at in struck], 0, 0.04, transform=axes.get_xaxis_transform(), color="red")
    panels[0].set(xlim=(0, max(HOURS, day.clock(samples[-1].at))))
    panels[-1].set(xlabel="hour of the day (grey: maintenance, red: the broker is restarted)")
    figure.savefig(folder / "soak.svg", metadata={"Date": None})
    return folder / "soak.svg"


def _rates(axes: Axes, day: Day, samples: Sequence[Sample]) -> None:
    for label, value in (("published", "stored"), ("created", "created")):
        times, rates = zip(*_changes(day, [(each.at, getattr(each, value)) for each in samples]), strict=True)
        axes.plot(times, rates, label=label, linewidth=1)
    axes.set(ylabel="events/s")
    axes.legend(loc="upper left")


def _changes(day: Day, points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for (before, less), (at, more) in pairwise(points):
        yield day.clock(at), (more - less) / (at - before)


def _lag(axes: Axes, day: Day, samples: Sequence[Sample]) -> None:
    times, seconds = zip(*[(day.clock(at), waited) for at, waited in behind(samples)], strict=True)
    axes.plot(times, seconds, linewidth=1)
    axes.set(ylabel="oldest record not done, s")


def _api(axes: Axes, day: Day, samples: Sequence[Sample]) -> None:
    times = [each.at for each in samples]
    axes.plot([day.clock(at) for at in times], [day.mood(at).latency * 1000 for at in times], linewidth=1)
    axes.set(ylabel="API's latency, ms")
    doubts = axes.twinx()
    count = [each.counted["lost"] + each.counted["broken"] for each in samples]
    doubts.plot([day.clock(at) for at in times], count, linewidth=1, color="C3")
    doubts.set(ylabel="answers lost so far (red)", ylim=(0, None))


def _memory(axes: Axes, day: Day, samples: Sequence[Sample]) -> None:
    """A line for each process; the colour is the worker's number."""
    for (number, _), points in lives(samples).items():
        times, rss = zip(*points, strict=True)
        axes.plot([day.clock(at) for at in times], rss, color=COLOURS[(number - 1) % len(COLOURS)], linewidth=1)
    axes.set(ylabel="resident memory, MiB")
