"""`/metrics`: the steps' counts and the present state, put into Prometheus's form when they are asked for."""

import platform
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from worker import __version__
from worker.creation.holds import HoldReason
from worker.measures import Counted, Example, Measures, Timed
from worker.ops.state import PartitionState, State

PREFIX: Final = "customer_worker"


class Facts(Protocol):
    """What the metrics are made of at each scrape."""

    @property
    def measures(self) -> Measures: ...
    def state(self) -> State: ...
    def loop_lag(self) -> float: ...


class WorkerMetrics(Collector):
    """All metrics of the worker's `/metrics` (docs: watching, metrics)."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        """No names: to list them, the state would be asked for at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics, with their values at this moment."""
        yield from _counted(self._facts.measures)
        yield from _timed(self._facts.measures)
        state = self._facts.state()
        yield from _state(state)
        yield from _of_partitions(state.partitions)
        yield _gauge("loop_lag_seconds", "How late the event loop was at worst, of late.", self._facts.loop_lag())
        build = GaugeMetricFamily(f"{PREFIX}_build_info", "What is running.", labels=["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1)
        yield build


def _counted(measures: Measures) -> Iterator[Metric]:
    yield _counter("records", "Records that ended.", ["outcome", "reason"], measures.records)
    yield _counter("api_requests", "Requests to the API, by the answer's status.", ["status"], measures.statuses)
    yield _counter("session_renewals", "Logins, the first one included.", ["result"], measures.logins)
    yield _counter("unknown", "Unknown outcomes, by what came of them.", ["resolution"], measures.doubts)
    yield _counter("dead_letters", "Dead letters that were published.", ["reason"], measures.dead_letters)
    yield _counter("commit_failures", "Commits that failed.", [], measures.commit_failures)
    yield _counter("record_crashes", "Errors of the worker's own that stopped a record.", [], measures.crashes)
    expired = "Offsets of requests that retention deleted before they were read."
    yield _counter("expired_unread", expired, ["partition"], measures.expired)


def _timed(measures: Measures) -> Iterator[Metric]:
    yield _histogram("record_seconds", "From a record's timestamp in Kafka to its result.", measures.record)
    yield _histogram("api_request_seconds", "How long a request to the API took.", measures.request)
    yield _histogram("journal_restore_seconds", "How long a partition's journal took.", measures.restore)


def _state(state: State) -> Iterator[Metric]:
    yield _gauge("in_flight", "Records begun and not ended, those that wait for a retry included.", state.in_flight)
    yield _gauge("queued", "Records taken and not begun.", state.queued)
    yield _gauge("api_limit", "Calls at once that there may be now, as far as the API bears them.", state.api_limit)
    entries = sum(each.journal_entries for each in state.partitions)
    yield _gauge("journal_entries", "Events remembered, over this worker's partitions.", entries)
    yield from _holds(state)
    dropped = Counted([()])
    dropped.counts[()] = state.dropped_elements
    yield _counter("dropped_elements", "Unknown elements that were left out.", [], dropped)


def _holds(state: State) -> Iterator[Metric]:
    """The holds. One of a single partition has its own series while it is on, since other partitions are read on."""
    on = {each.reason for each in state.holds}
    holds = GaugeMetricFamily(
        f"{PREFIX}_hold",
        "1 while nothing is taken in, or nothing of one partition, for that reason.",
        labels=["reason"],
    )
    for reason in HoldReason:
        holds.add_metric([reason.value], float(reason.value in on))
    yield holds
    alone = GaugeMetricFamily(
        f"{PREFIX}_partition_hold",
        "1 while nothing of that partition alone is taken in.",
        labels=["partition", "reason"],
    )
    for each in state.holds:
        if each.partition is not None:
            alone.add_metric([str(each.partition), each.reason], 1.0)
    yield alone


def _of_partitions(partitions: Iterable[PartitionState]) -> Iterator[Metric]:
    """The metrics of each partition. A lag that is not known yet is left out: it is not 0."""
    lag = GaugeMetricFamily(f"{PREFIX}_lag", "Records whose end is not committed yet.", labels=["partition"])
    oldest = GaugeMetricFamily(
        f"{PREFIX}_oldest_uncommitted_seconds", "Age of the first record that is not finished.", labels=["partition"]
    )
    stuck = "Age of the transaction that keeps what stands behind it from being read, 0 without one."
    transaction = GaugeMetricFamily(f"{PREFIX}_open_transaction_seconds", stuck, labels=["partition"])
    for each in partitions:
        number = [str(each.partition)]
        transaction.add_metric(number, each.open_transaction)
        if each.standing.lag is not None:
            lag.add_metric(number, each.standing.lag)
        oldest.add_metric(number, each.blocking.age if each.blocking else 0.0)
    yield lag
    yield oldest
    yield transaction


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value)


def _counter(name: str, text: str, labels: list[str], counted: Counted) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for values, count in counted.counts.items():
        family.add_metric(values, count, exemplar=_exemplar(counted.examples.get(values)))
    return family


def _histogram(name: str, text: str, timed: Timed) -> Metric:
    family = HistogramMetricFamily(f"{PREFIX}_{name}", text, labels=[])
    bounds = [*map(floatToGoString, timed.bounds), "+Inf"]
    buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    for bound, count, example in zip(bounds, accumulate(timed.counts), timed.examples, strict=True):
        exemplar = _exemplar(example)
        buckets.append((bound, count, exemplar) if exemplar else (bound, count))
    family.add_metric([], buckets, timed.total)
    return family


def _exemplar(example: Example | None) -> Exemplar | None:
    return Exemplar({"trace_id": example.trace_id}, example.value, example.at) if example else None


def registry_of(facts: Facts) -> CollectorRegistry:
    """A registry of the worker's metrics and of the process's own: CPU seconds, resident memory, open files."""
    registry = CollectorRegistry()
    registry.register(WorkerMetrics(facts))
    ProcessCollector(registry=registry)
    return registry


def exposed(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The body and its content type: OpenMetrics with exemplars if `accept` asks for it, else the classic text."""
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # `accept` asks for a version that does not exist
        encode, content_type = choose_encoder("")
    return encode(registry), content_type
