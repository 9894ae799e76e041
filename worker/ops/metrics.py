"""`/metrics`: what the steps counted, and what can be read off the state at the time of asking."""

import platform
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from worker import __version__
from worker.hold import HoldReason
from worker.measures import PREFIX
from worker.ops.state import PartitionState, State


class StateMetrics(Collector):
    """Gauges that cost nothing until they are asked for."""

    def __init__(self, state: Callable[[], State], loop_lag: Callable[[], float]) -> None:
        self._state = state
        self._loop_lag = loop_lag

    def describe(self) -> Iterable[Metric]:
        """Names are not checked against the others': that would ask for the state at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The worker as it is now."""
        state = self._state()
        yield _gauge("in_flight", "Records begun and not ended, those that wait for a retry included.", state.in_flight)
        yield _gauge("queued", "Records taken and not begun.", state.queued)
        entries = sum(each.journal_entries for each in state.partitions)
        yield _gauge("journal_entries", "Events remembered, over this worker's partitions.", entries)
        yield _gauge("loop_lag_seconds", "How late the event loop was at worst, of late.", self._loop_lag())
        yield _holds(state)
        yield from _of_partitions(state.partitions)
        dropped = state.dropped_elements
        yield CounterMetricFamily(f"{PREFIX}_dropped_elements", "Unknown elements that were left out.", dropped)
        build = GaugeMetricFamily(f"{PREFIX}_build_info", "What is running.", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1)
        yield build


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value)


def _holds(state: State) -> Metric:
    on = {each.reason for each in state.holds}
    family = GaugeMetricFamily(f"{PREFIX}_hold", "1 while nothing is taken in for that reason.", labels=["reason"])
    for reason in HoldReason:
        family.add_metric([reason.value], float(reason.value in on))
    return family


def _of_partitions(partitions: Iterable[PartitionState]) -> Iterator[Metric]:
    """A lag that is not known yet is left out: it is not 0."""
    lag = GaugeMetricFamily(f"{PREFIX}_lag", "Records whose end is not committed yet.", labels=["partition"])
    oldest = GaugeMetricFamily(
        f"{PREFIX}_oldest_uncommitted_seconds", "Age of the first record that is not finished.", labels=["partition"]
    )
    for each in partitions:
        number = [str(each.partition)]
        if each.standing.lag is not None:
            lag.add_metric(number, each.standing.lag)
        oldest.add_metric(number, each.blocking.age if each.blocking else 0.0)
    yield lag
    yield oldest


def register(registry: CollectorRegistry, metrics: StateMetrics) -> None:
    """With the process's own figures: CPU seconds, resident memory, open files."""
    registry.register(metrics)
    ProcessCollector(registry=registry)


def exposed(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The body and its content type: OpenMetrics with exemplars where it is asked for, else the classic text."""
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type
