"""Records are traced where OpenTelemetry's own variables say so; otherwise nothing of it is even imported."""

import asyncio
import builtins
import sys
import threading

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from worker.model.commands import CreateCustomer, Request, Traits, Unusable
from worker.model.errors import Draining
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Record
from worker.ops.spans import exported, follower
from worker.ops.tracing import obstacle, traced, wanted
from worker.steps import Step, Trail, Trails

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = Request("shop", "e-1", traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="vendor=1")
CREATED = Succeeded("1", "/1", "individual", 1)
RECORD = Record("requests", 3, 7, 0, b"key", b"{}")
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def command(request=GIVEN):
    return CreateCustomer(request, Traits("individual"), b"{}")


class Traced:
    """Records that are followed, and the spans that came of it."""

    def __init__(self, sampler=ALWAYS_ON):
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=ParentBased(sampler), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.trails = Trails(follower(provider))

    def succeeds(self, request=GIVEN):
        """One record through all steps; the requests as they were after decoding and at the POST."""
        with self.trails.follow(RECORD) as trail:
            asked = trail.trace_command(command(request))
            for step in (Step.SAME_EVENT, Step.ADMISSION, Step.INTENT, Step.POST):
                trail.enter(step)
            assert isinstance(asked, CreateCustomer)
            sent = trail.trace_post(asked)
            trail.enter(Step.FINISH)
            trail.enter(Step.PUBLISH)
            trail.trace_outcome(CREATED)
        return asked.request, sent.request

    def spans(self):
        return {span.name: span for span in self.exporter.get_finished_spans()}


def identity(span):
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


def test_a_record_s_spans():
    """One for the record in the event's own trace, and below it one for each step."""
    traced = Traced()
    traced.succeeds()
    spans = traced.spans()
    record = spans.pop("process requests")
    assert list(spans) == ["decode", "intent", "post", "finish", "publish"]
    assert (f"{record.context.trace_id:032x}", f"{record.parent.span_id:016x}") == (TRACE, PARENT)
    assert {span.parent.span_id for span in spans.values()} == {record.context.span_id}
    assert (record.kind, spans["post"].kind, spans["publish"].kind) == (
        SpanKind.CONSUMER,
        SpanKind.CLIENT,
        SpanKind.PRODUCER,
    )
    ends = [span.end_time for span in spans.values()]
    assert record.start_time == spans["decode"].start_time
    assert ends == sorted(ends)
    assert record.attributes["messaging.kafka.offset"] == 7
    assert record.attributes["customer_worker.outcome"] == "succeeded"


def test_what_goes_out():
    """Messages carry the record's span, the API's call that of the POST; the vendors' state goes with both."""
    traced = Traced()
    asked, sent = traced.succeeds()
    spans = traced.spans()
    assert asked.traceparent == identity(spans["process requests"])
    assert sent.traceparent == identity(spans["post"])
    assert (asked.tracestate, sent.tracestate) == ("vendor=1", "vendor=1")
    assert (asked.id, asked.source, sent.event) == (GIVEN.id, GIVEN.source, GIVEN.event)


def test_an_event_without_a_trace():
    """It begins one."""
    traced = Traced()
    asked, _ = traced.succeeds(Request("shop", "e-1"))
    span = traced.spans()["process requests"]
    assert span.parent is None
    assert asked.trace_id == f"{span.context.trace_id:032x}"


def test_an_event_that_is_not_sampled():
    """No span is made, and whoever comes after us is told that none is wanted."""
    traced = Traced(ALWAYS_OFF)
    asked, _ = traced.succeeds(Request("shop", "e-1", traceparent=f"00-{TRACE}-{PARENT}-00"))
    assert traced.spans() == {}
    assert (asked.trace_id, (asked.traceparent or "")[-2:]) == (TRACE, "00")


def test_a_record_that_failed():
    """Its span is an error with the reason's code, and never the reason's text."""
    traced = Traced()
    with traced.trails.follow(RECORD) as trail:
        reason = Reason(ReasonCode.REJECTED, "john@example.com")
        trail.trace_command(Unusable(GIVEN, reason))
        trail.trace_outcome(Failed(reason, 2))
    span = traced.spans()["process requests"]
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "rejected")
    assert (span.attributes["customer_worker.reason"], span.attributes["customer_worker.attempts"]) == ("rejected", 2)
    assert "john" not in span.to_json()


@pytest.mark.parametrize("error", [Draining("john"), ValueError("john"), asyncio.CancelledError("john")])
def test_a_record_that_is_left(error):
    """All its spans end, with the kind of what ended them and not its text."""
    traced = Traced()

    def process():
        with traced.trails.follow(RECORD) as trail:
            trail.trace_command(command())
            trail.enter(Step.POST)
            raise error

    with pytest.raises(type(error)):
        process()
    spans = traced.spans()
    assert set(spans) == {"decode", "post", "process requests"}
    assert spans["process requests"].status.description == type(error).__name__
    assert all("john" not in span.to_json() for span in spans.values())


def test_a_record_that_cannot_even_be_asked():
    """An error of ours in the decoder leaves no span, and no other error."""
    traced = Traced()
    with pytest.raises(ValueError, match="ours"), traced.trails.follow(RECORD):
        raise ValueError("ours")
    assert traced.spans() == {}


def test_a_retry():
    """Each attempt has its spans, and the wait between them has one."""
    traced = Traced()
    with traced.trails.follow(RECORD) as trail:
        trail.trace_command(command())
        for step in (
            Step.INTENT,
            Step.POST,
            Step.RETRY,
            Step.ADMISSION,
            Step.INTENT,
            Step.POST,
            Step.LOOK_UP,
            Step.FINISH,
        ):
            trail.enter(step)
    names = [span.name for span in traced.exporter.get_finished_spans()]
    assert names == ["decode", "intent", "post", "retry", "intent", "post", "look_up", "finish", "process requests"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "True"}, False),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, True),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_whether_it_is_wanted(environment, expected):
    """Somebody must say where spans go, and nobody that there are none."""
    assert wanted(environment) is expected


def test_a_protocol_that_is_not_there():
    """It is named; the one for traces counts before the one for everything."""
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in (obstacle({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}) or "")
    both = {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert obstacle(both) is obstacle({}) is None


async def test_a_collector_that_never_answers(monkeypatch):
    """The end waits for it no longer than it may; the thread that does is left behind."""
    monkeypatch.setattr("worker.ops.spans.FLUSH_WITHIN", 0.01)
    asked, answer = threading.Event(), threading.Event()

    def shutdown(_):
        asked.set()
        answer.wait(20)

    monkeypatch.setattr(TracerProvider, "shutdown", shutdown)
    async with exported():
        pass
    assert asked.wait(20)
    answer.set()


async def test_nothing_is_asked_for(monkeypatch):
    """Records are followed without a span."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    async with traced() as make:
        assert make is Trail


async def test_variables_that_it_does_not_take(monkeypatch, told):
    """Records are followed without a span, and the log says so, without a value of theirs."""
    monkeypatch.setenv(*next(iter(ENDPOINT.items())))
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
    async with traced() as make:
        assert make is Trail
    assert [(line["event"], line["log_level"]) for line in told] == [("tracing.refused", "warning")]
    assert "ValueError" in told[0]["detail"]


async def test_an_error_of_the_worker_while_it_is_traced(monkeypatch, told):
    """It is none of the traces'."""
    monkeypatch.setenv(*next(iter(ENDPOINT.items())))

    async def work():
        async with traced():
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        await work()
    assert [line["event"] for line in told] == ["tracing.started"]


async def test_the_extra_is_not_installed(monkeypatch):
    """The worker works all the same, and says what is missing."""
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setenv(*next(iter(ENDPOINT.items())))
    monkeypatch.delitem(sys.modules, "worker.ops.spans")
    monkeypatch.delattr("worker.ops.spans", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    async with traced() as make:
        assert make is Trail
