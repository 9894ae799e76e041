"""A receiver of traces (OTLP over HTTP) that keeps what it is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from patience import PATIENCE


@dataclass
class SpanCollector:
    """`bodies` are the requests, byte for byte."""

    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response(content_type="application/x-protobuf")

    def services(self) -> set[str]:
        """The names of the services that sent spans."""
        return {
            attribute.value.string_value
            for body in self.bodies
            for each in ExportTraceServiceRequest.FromString(body).resource_spans
            for attribute in each.resource.attributes
            if attribute.key == "service.name"
        }

    def spans(self) -> list[Span]:
        """All spans, in the order they came."""
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    async def until(self, name: str, count: int) -> list[Span]:
        """The spans of that name, once there are `count` of them."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [span for span in self.spans() if span.name == name]) < count:
                await asyncio.sleep(0.05)
        return found


@asynccontextmanager
async def span_collector() -> AsyncIterator[SpanCollector]:
    """A collector that listens on a free port."""
    collector = SpanCollector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.add_routes([web.post("/v1/traces", collector.take)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield collector
    finally:
        await runner.cleanup()
