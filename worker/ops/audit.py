"""The operations port of the audit: how far it has read, and what it found."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from worker import clocks
from worker.ops.metrics import PREFIX
from worker.ops.server import ops_port

STALLED: Final = 300.0
"""Seconds without a whole round of reading after which the audit counts as stalled, however often it asked Kafka."""


@dataclass(frozen=True, slots=True)
class AuditState:
    """What the audit knows at this moment; its counts are by kind, since it began.

    `read` is by topic and partition the offset that is read next; `behind` is by partition of the requests how many
    offsets are committed and not judged yet. `rounds` is how often all that there was has been read.
    """

    unended: int
    age: float
    contradictions: Mapping[str, int]
    duplicates: Mapping[str, int]
    not_judged: Mapping[str, int]
    read: Mapping[tuple[str, int], int]
    behind: Mapping[int, int]
    rounds: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The state in the form of `/status`."""
        return {
            "unended": {"records": self.unended, "ageSeconds": round(self.age, 3)},
            "contradictions": dict(self.contradictions),
            "duplicates": dict(self.duplicates),
            "notJudged": dict(self.not_judged),
            "read": [
                {"topic": topic, "partition": number, "next": next_} for (topic, number), next_ in self.read.items()
            ],
            "behind": {str(number): count for number, count in self.behind.items()},
            "rounds": self.rounds,
        }


class AuditMetrics(Collector):
    """Everything that the audit's `/metrics` tells (docs: watching, metrics)."""

    def __init__(self, state: Callable[[], AuditState]) -> None:
        self._state = state

    def describe(self) -> Iterable[Metric]:
        """No names: to list them, the state would be asked for at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics, with their values at this moment."""
        state, name = self._state(), f"{PREFIX}_audit"
        yield GaugeMetricFamily(f"{name}_unended_records", "Committed records that have no end.", state.unended)
        yield GaugeMetricFamily(f"{name}_age_seconds", "Age of the oldest of those, 0 without one.", state.age)
        for what, text, counts in (
            ("contradictions", "Requests whose topics contradict one another.", state.contradictions),
            ("duplicates", "Events that have more than one customer.", state.duplicates),
            ("not_judged", "What could not be judged: deleted, or no room for it.", state.not_judged),
        ):
            counter = CounterMetricFamily(f"{name}_{what}", text, labels=["kind"])
            for kind, count in counts.items():
                counter.add_metric([kind], count)
            yield counter
        read = GaugeMetricFamily(f"{name}_offset", "What the audit reads next.", labels=["topic", "partition"])
        for (topic, number), offset in state.read.items():
            read.add_metric([topic, str(number)], offset)
        yield read
        behind = GaugeMetricFamily(f"{name}_behind", "Offsets committed and not judged yet.", labels=["partition"])
        for number, count in state.behind.items():
            behind.add_metric([str(number)], count)
        yield behind
        yield CounterMetricFamily(f"{name}_rounds", "How often all that there was has been read.", state.rounds)


@dataclass(eq=False, slots=True)
class AuditPages:
    """The content of the audit's operations pages; `read` is to be called after each whole round of reading."""

    state: Callable[[], AuditState]
    clock: Callable[[], float] = clocks.monotonic
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _began: float = field(init=False)
    _has_read: bool = False

    def __post_init__(self) -> None:
        self._began = self.clock()
        self.registry.register(AuditMetrics(self.state))
        ProcessCollector(registry=self.registry)

    def alive(self) -> None:
        """Note that something was read, or that there was nothing to read."""
        self._began = self.clock()

    def read(self) -> None:
        """Note that everything that there was has been read."""
        self._has_read = True
        self.alive()

    def stalled(self) -> str | None:
        idle = self.clock() - self._began
        return f"nothing was read for {idle:.0f} s" if idle >= STALLED else None

    def not_ready(self) -> list[str]:
        return [] if self._has_read and not self.stalled() else ["not_read_yet"]


@asynccontextmanager
async def audit_port(state: Callable[[], AuditState], host: str, port: int) -> AsyncIterator[AuditPages]:
    """Listen from now on. Raises StartupError where that is not possible."""
    pages = AuditPages(state)
    async with ops_port(pages, host, port):
        yield pages
