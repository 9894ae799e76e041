"""The spans of a running worker as a collector receives them, and the trace in what the worker sends."""

import subprocess
import sys

import orjson
from span_collector import span_collector

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{PARENT}-01"
STRUCTURED = ("content-type", b"application/cloudevents+json")


def event(name, **attributes):
    person = {"firstName": name}
    data = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [person]}}
    told = {"specversion": "1.0", "id": name, "source": "shop", "type": "customer.create.requested.v1", "data": data}
    return orjson.dumps({**told, **attributes})


async def test_a_worker_that_is_traced(world):
    """The event's trace is continued in the spans of record and steps, in the API call, and in every message."""
    await world.topics()
    sandbox = await world.sandbox(identity_attribute=None)
    async with span_collector() as collector:
        worker = await world.start(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_RESOURCE_ATTRIBUTES="zone=eu")
        await worker.until("tracing.started")
        await world.publish(event("A", traceparent=GIVEN, tracestate="vendor=1"), headers=[STRUCTURED])
        await world.publish(event("B", type="other"), headers=[STRUCTURED, ("traceparent", GIVEN.encode())])
        lines = await worker.until("record.finished", 2)
        assert await worker.stop() == 0
        records = await collector.until(f"process {world.plan.requests}", 2)
    assert {line["trace_id"] for line in lines} == {TRACE}
    assert collector.services() == {"customer-worker"}
    spans = collector.spans()
    assert {(span.trace_id.hex(), span.parent_span_id.hex()) for span in records} == {(TRACE, PARENT)}
    steps = [span.name for span in spans if span.parent_span_id in {record.span_id for record in records}]
    assert sorted(steps) == ["decode", "decode", "finish", "finish", "intent", "post", "publish", "publish"]
    assert sandbox.ledger.executions(TRACE) == 1
    (succeeded,) = await world.read(world.plan.succeeded)
    (letter,) = await world.read(world.plan.dead_letters)
    ours = {f"00-{TRACE}-{record.span_id.hex()}-01" for record in records}
    told = orjson.loads(succeeded.value or b"")
    assert told["tracestate"] == "vendor=1"
    assert {told["traceparent"], dict(letter.headers)["traceparent"].decode()} == ours
    assert dict(succeeded.headers)["traceparent"].decode() == told["traceparent"]


async def test_a_collector_that_is_gone(world):
    """With a collector that does not answer the work is done, and the stop is not held up."""
    await world.topics()
    await world.sandbox()
    await world.publish(event("A"), headers=[STRUCTURED])
    worker = await world.start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    await worker.until("record.finished", outcome="succeeded")
    assert await worker.stop() == 0


async def test_a_protocol_that_is_not_there(world):
    """A protocol that is not supported is logged, and the worker works without tracing."""
    await world.topics()
    await world.sandbox()
    await world.publish(event("A"), headers=[STRUCTURED])
    worker = await world.start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    (line,) = await worker.until("tracing.refused")
    assert "OTEL_EXPORTER_OTLP_PROTOCOL" in line["detail"]
    await worker.until("record.finished", outcome="succeeded")
    assert await worker.stop() == 0


def test_a_worker_that_is_not_traced():
    """Without tracing the process imports nothing of OpenTelemetry."""
    code = "import sys, worker.app; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
