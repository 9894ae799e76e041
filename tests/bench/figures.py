"""What was measured: figures with their spread, their aims, and lines for the plots."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rich.table import Table

PARTS = {
    "a": "speed",
    "b": "latency",
    "c": "growth",
    "d": "memory",
    "e": "pauses",
    "f": "profile",
    "g": "sweep",
    "h": "adapting",
}
"""By their letters; the sweep is for the plots alone, and adapting is measured when it is asked for."""


@dataclass(frozen=True)
class Aim:
    """What a median is to reach."""

    relation: Literal[">=", "<="]
    value: float

    def reached(self, median: float) -> bool:
        return median >= self.value if self.relation == ">=" else median <= self.value

    def __str__(self) -> str:
        return f"{self.relation} {self.value:g}"


@dataclass(frozen=True)
class Figure:
    """One line of the table; `values` has one for each repetition."""

    part: str
    name: str
    unit: str
    values: tuple[float, ...]
    aim: Aim | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def reached(self) -> bool | None:
        return self.aim.reached(self.median) if self.aim else None

    def json(self) -> dict[str, Any]:
        """For machines."""
        spread = {"median": self.median, "min": min(self.values), "max": max(self.values)}
        return {**asdict(self), **spread, "aim": str(self.aim) if self.aim else None, "reached": self.reached}


def ratio(
    part: str, name: str, ours: Sequence[float], theirs: Sequence[float] | float, aim: Aim | None = None
) -> Figure:
    """Repetition by repetition, since the machine's speed drifts between them."""
    others = [theirs] * len(ours) if isinstance(theirs, float) else theirs
    return Figure(part, name, "x", tuple(one / other for one, other in zip(ours, others, strict=True)), aim)


@dataclass(frozen=True)
class Line:
    """A line of one of the plots."""

    plot: str
    label: str
    points: tuple[tuple[float, float], ...]


@dataclass
class Measured:
    """What has been found so far; `tell` is told the progress."""

    tell: Callable[[str], None]
    figures: list[Figure] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """For machines; tables are for people alone."""
        figures, lines = [each.json() for each in self.figures], [asdict(each) for each in self.lines]
        return {"conditions": self.conditions, "broken": self.broken, "figures": figures, "lines": lines}


def digits(value: float) -> str:
    """Three significant ones at least."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> Table:
    """Medians with their spread, beside their aims."""
    made = Table("", "what", "median", "min", "max", "unit", "aim", "reached")
    part = ""
    for figure in figures:
        if figure.part != part:
            made.add_section()
            part = figure.part
        spread = [digits(each) for each in (figure.median, min(figure.values), max(figure.values))]
        reached = "" if figure.reached is None else "yes" if figure.reached else "no"
        made.add_row(PARTS.get(part, part), figure.name, *spread, figure.unit, str(figure.aim or ""), reached)
    return made
