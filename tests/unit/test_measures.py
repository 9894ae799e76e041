"""What is counted and timed, and how it is exposed."""

from dataclasses import dataclass, field

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed

from worker.creation.holds import HoldReason
from worker.measures import Measures, Timed
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Standing
from worker.ops.metrics import exposed, registry_of
from worker.ops.state import Blocking, Held, PartitionState, SessionState, State

TRACE = "0af7651916cd43dd8448eb211c80319c"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NAMES = [
    "records_total",
    "api_requests_total",
    "api_request_seconds",
    "record_seconds",
    "in_flight",
    "queued",
    "lag",
    "oldest_uncommitted_seconds",
    "hold",
    "session_renewals_total",
    "journal_entries",
    "journal_restore_seconds",
    "unknown_total",
    "dead_letters_total",
    "loop_lag_seconds",
    "commit_failures_total",
    "build_info",
]


@dataclass
class Worker:
    """A worker as its metrics see it."""

    measures: Measures = field(default_factory=Measures)
    partitions: tuple[PartitionState, ...] = (
        PartitionState("requests", 0, Standing(5, 3, 9, 6), 4, Blocking(3, 12.5, "post")),
        PartitionState("requests", 1, Standing()),
    )
    holds: tuple[Held, ...] = ()

    def state(self):
        return State("running", self.holds, 2, 7, "api", SessionState(1.0, 0), self.partitions, 11)

    def loop_lag(self):
        return 0.25

    def text(self, accept=""):
        return exposed(registry_of(self), accept)[0].decode()

    def samples(self):
        """By name and labels."""
        families = parsed(self.text())
        return {
            (sample.name.removeprefix("customer_worker_"), *sorted(sample.labels.values())): sample.value
            for family in families
            for sample in family.samples
        }


def test_every_metric_of_the_design():
    """Under its name, from the start."""
    text = Worker().text()
    assert [name for name in NAMES if f"\n# TYPE customer_worker_{name} " not in text] == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("dead_letters_total", [code.value for code in ReasonCode]),
        ("hold", [reason.value for reason in HoldReason]),
        ("unknown_total", ["reconciled", "absent", "parked", "confirmed"]),
        ("session_renewals_total", ["succeeded", "refused", "unavailable"]),
        ("api_requests_total", ["201", "400", "401", "403", "429", "500", "503", "none", "not_sent"]),
    ],
)
def test_what_has_not_happened_yet(name, values):
    """It is there with 0, so that its rate can be taken."""
    samples = Worker().samples()
    assert [samples[name, value] for value in values] == [0] * len(values)


def test_an_ended_record():
    """It is counted by what it ended as, a success by how the customer came to be."""
    worker = Worker()
    worker.measures.ended(Succeeded("1", "/1", "individual", 1, "already_created"), 0.3, None)
    worker.measures.ended(Failed(Reason(ReasonCode.REJECTED, "400")), 700.0, None)
    samples = worker.samples()
    assert samples["records_total", "already_created", "succeeded"] == 1
    assert samples["records_total", "failed", "rejected"] == 1
    assert (samples["record_seconds_count",], samples["record_seconds_sum",]) == (2, 700.3)
    assert (samples["record_seconds_bucket", "0.2"], samples["record_seconds_bucket", "0.5"]) == (0, 1)


def test_an_unknown_outcome():
    """What became of it is counted once: found, certainly absent, or parked."""
    worker = Worker()
    worker.measures.count_outcome(Succeeded("1", "/1", "individual", 1, "reconciled"))
    worker.measures.count_outcome(Succeeded("1", "/1", "individual", 1))
    worker.measures.count_outcome(Failed(Reason(ReasonCode.OUTCOME_UNKNOWN, "?")))
    worker.measures.count_outcome(Failed(Reason(ReasonCode.REJECTED, "400")))
    worker.measures.found_absent()
    worker.measures.count_outcome(Succeeded("1", "/1", "individual", 0, "confirmed"))
    resolutions = ("reconciled", "parked", "absent", "confirmed")
    assert [worker.samples()["unknown_total", each] for each in resolutions] == [1, 1, 1, 1]


def test_a_status_that_nobody_foresaw():
    """It gets a series of its own."""
    worker = Worker()
    worker.measures.answered("418", 0.1)
    assert worker.samples()["api_requests_total", "418"] == 1


def test_the_state():
    """It is read when it is asked for; a lag that is not known is no lag of 0."""
    worker = Worker(holds=())
    samples = worker.samples()
    assert (samples["in_flight",], samples["queued",], samples["journal_entries",]) == (2, 7, 4)
    assert (samples["lag", "0"], samples["oldest_uncommitted_seconds", "0"]) == (6, 12.5)
    assert ("lag", "1") not in samples
    assert samples["oldest_uncommitted_seconds", "1"] == 0
    assert (samples["loop_lag_seconds",], samples["dropped_elements_total",]) == (0.25, 11)


def test_a_trace():
    """Who asks for OpenMetrics is told one of those that were counted, in the bucket where it belongs."""
    worker = Worker()
    worker.measures.ended(Succeeded("1", "/1", "individual", 1), 0.3, TRACE)
    worker.measures.answered("201", 0.03, TRACE)
    exemplars = {
        (sample.name.removeprefix("customer_worker_"), sample.labels.get("le")): sample.exemplar.labels
        for family in parsed_openmetrics(worker.text(OPENMETRICS))
        for sample in family.samples
        if sample.exemplar
    }
    assert exemplars == {
        ("records_total", None): {"trace_id": TRACE},
        ("api_requests_total", None): {"trace_id": TRACE},
        ("record_seconds_bucket", "0.5"): {"trace_id": TRACE},
        ("api_request_seconds_bucket", "0.05"): {"trace_id": TRACE},
    }
    assert TRACE not in worker.text()


def test_the_form_that_is_asked_for():
    """OpenMetrics for who accepts it, the classic text for everybody else."""
    registry = registry_of(Worker())
    assert exposed(registry, OPENMETRICS)[1].startswith("application/openmetrics-text")
    assert exposed(registry, "*/*")[1].startswith("text/plain")


@pytest.mark.parametrize("version", ["abc", "1.x", "", "1.0.0.0.0", "-1", "9" * 5_000, "²", "1;escaping=x"])
@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
def test_a_form_that_nobody_knows(kind, version):
    """Whatever is asked for, there is an answer."""
    body, content_type = exposed(registry_of(Worker()), f"{kind}; version={version}")
    assert b"customer_worker_build_info" in body
    assert content_type.startswith(("text/plain", "application/openmetrics-text"))


@pytest.mark.parametrize(("seconds", "bucket"), [(-1, 0), (0, 0), (1, 0), (1.001, 1), (2, 1), (99, 2)])
def test_a_time(seconds, bucket):
    """It is in the first bucket whose bound it does not exceed; a clock that was set back gives no negative one."""
    timed = Timed((1.0, 2.0))
    timed.take(seconds)
    assert timed.counts.index(1) == bucket
    assert timed.total == max(0, seconds)
