"""A worker and an audit for which every metric has a value."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.metrics_core import Metric

from worker.measures import Measures
from worker.model.records import Standing
from worker.ops.audit import AuditMetrics, AuditState
from worker.ops.metrics import WorkerMetrics
from worker.ops.state import Blocking, Held, PartitionState, SessionState, State
from worker.tools.audit.found import CONTRADICTIONS, DUPLICATES, NOT_JUDGED


class Worker:
    """Has a partition with an unfinished record and a held one, so that no metric is empty."""

    def __init__(self) -> None:
        self.measures = Measures()
        self.measures.expired_unread(0, 0)

    def state(self) -> State:
        waiting = PartitionState("requests", 0, Standing(1, 0, 2, lag=2), 1, Blocking(0, 1.0, "queued"))
        held = Held("partition_unreadable", datetime.now(UTC), "offset 7", 1)
        return State("running", (held,), 1, 1, "api", SessionState(1.0, 0), (waiting,))

    def loop_lag(self) -> float:
        return 0.0


def audit() -> AuditState:
    """An audit for which every metric has a value."""
    found = dict.fromkeys(CONTRADICTIONS, 1), dict.fromkeys(DUPLICATES, 1), dict.fromkeys(NOT_JUDGED, 1)
    return AuditState(1, 1.0, *found, {("requests", 0): 1}, {0: 1})


def metrics() -> Iterator[Metric]:
    """The worker's metrics, then the audit's."""
    yield from WorkerMetrics(Worker()).collect()
    yield from AuditMetrics(audit).collect()
