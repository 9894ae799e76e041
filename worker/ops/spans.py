"""OpenTelemetry spans of a record and its steps; the only place that knows OpenTelemetry (extra `otel`)."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from worker import __version__
from worker.measures import named
from worker.model.commands import Command, CreateCustomer, Request
from worker.model.outcomes import End, Failed, PassedOver, Succeeded
from worker.model.records import Record
from worker.steps import MakeTrail, Step, Trail, Trails

NAME: Final = "customer-worker"
FLUSH_WITHIN: Final = 3.0
W3C: Final = TraceContextTextMapPropagator()
KINDS: Final = {
    Step.INTENT: SpanKind.INTERNAL,
    Step.POST: SpanKind.CLIENT,
    Step.RETRY: SpanKind.INTERNAL,
    Step.LOOK_UP: SpanKind.CLIENT,
    Step.FINISH: SpanKind.INTERNAL,
    Step.PUBLISH: SpanKind.PRODUCER,
}
"""The steps that have a span. `decode` has one, too: it is made after the step, when the event's own trace is known."""


class TracedTrail(Trail):
    """One span for the record, in the event's own trace, and one for each step; without texts of errors, or values."""

    __slots__ = ("_begun", "_child", "_span", "_tracer", "_within")

    def __init__(self, tracer: Tracer, of: Trails, record: Record) -> None:
        super().__init__(of, record)
        self._tracer = tracer
        self._begun = time.time_ns()
        self._span: Span | None = None
        self._child: Span | None = None
        self._within = Context()

    def trace_command(self, asked: Command) -> Command:
        """Begin the record's span, back-dated to when its bytes were first looked at."""
        parent = W3C.extract(_carrier(asked.request), Context())
        self._span = self._tracer.start_span(
            f"process {self.record.topic}", parent, SpanKind.CONSUMER, self._facts(asked), start_time=self._begun
        )
        self._within = set_span_in_context(self._span, Context())
        self._tracer.start_span(Step.DECODE.value, self._within, start_time=self._begun).end()
        return replace(asked, request=_continued(asked.request, self._span))

    def _facts(self, asked: Command) -> dict[str, str | int]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": self.record.topic,
            "messaging.destination.partition.id": str(self.record.partition),
            "messaging.kafka.offset": self.record.offset,
            "customer_worker.event_id": asked.request.id,
        }

    def enter(self, step: Step) -> None:
        """Begin the step's span; the span of the step before ends."""
        self.step = step
        if self._child:
            self._child.end()
        kind = KINDS.get(step)
        self._child = None if kind is None else self._tracer.start_span(step.value, self._within, kind)

    def trace_post(self, command: CreateCustomer) -> CreateCustomer:
        """The command with the POST's span as the parent of the API's own spans."""
        return replace(command, request=_continued(command.request, self._child or self._span))

    def trace_outcome(self, end: End) -> None:
        """Write the record's end into its span; a failed record is an error of the span."""
        if not self._span:
            return
        outcome, reason = named(end)
        self._span.set_attribute("customer_worker.outcome", outcome)
        if not isinstance(end, PassedOver):
            self._span.set_attribute("customer_worker.attempts", end.attempts)
        if not isinstance(end, Succeeded):
            self._span.set_attribute("customer_worker.reason", reason)
        if isinstance(end, Failed):
            self._span.set_status(Status(StatusCode.ERROR, reason))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        if self._child:
            self._child.end()
        if self._span:
            if kind:
                self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
            self._span.end()


def _carrier(request: Request) -> dict[str, str]:
    given = {"traceparent": request.traceparent, "tracestate": request.tracestate}
    return {name: value for name, value in given.items() if value}


def _continued(request: Request, span: Span | None) -> Request:
    """The same request, with that span as the parent of whatever comes next."""
    if span is None:
        return request
    carrier: dict[str, str] = {}
    W3C.inject(carrier, set_span_in_context(span, Context()))
    return replace(request, traceparent=carrier.get("traceparent"), tracestate=carrier.get("tracestate"))


def follower(provider: TracerProvider) -> MakeTrail:
    """What makes trails whose spans that provider exports."""
    return partial(TracedTrail, provider.get_tracer(NAME, __version__))


@asynccontextmanager
async def exported() -> AsyncIterator[MakeTrail]:
    """Yield what makes trails whose spans go where OTEL_EXPORTER_OTLP_* says.

    They are sent in batches, from a thread; what cannot be sent is dropped.
    """
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {"service.name": NAME})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield follower(provider)
    finally:
        await _shut_down(provider)


async def _shut_down(provider: TracerProvider) -> None:
    """Shut the provider down, for some seconds at most.

    A collector that is gone would block `shutdown` for half a minute: then its thread is left behind.
    """
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def shut_down() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=shut_down, name="spans", daemon=True).start()
    try:
        await asyncio.wait_for(over.wait(), FLUSH_WITHIN)
    except TimeoutError:
        return
