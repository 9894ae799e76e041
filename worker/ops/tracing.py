"""Whether records are traced: OpenTelemetry's own environment variables decide it, once, at the start."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from worker.steps import MakeTrail, Trail

log = structlog.get_logger()
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP = "http/protobuf"


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the environment says where spans go, and does not switch them off."""
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    otlp = environment.get("OTEL_TRACES_EXPORTER", "").strip() in {"", "otlp"}
    return not disabled and otlp and any(environment.get(name) for name in ENDPOINTS)


def obstacle(environment: Mapping[str, str]) -> str | None:
    """What the environment asks for and is not supported, for a person; None where there is nothing."""
    named = next((name for name in PROTOCOLS if environment.get(name)), None)
    if named and environment[named] != HTTP:
        return f"{named}: only {HTTP} is supported"
    return None


@asynccontextmanager
async def traced() -> AsyncIterator[MakeTrail]:
    """Yield what follows records: with spans where the environment wants them, else without, which costs nothing."""
    if not wanted(os.environ):
        yield Trail
        return
    try:
        from worker.ops import spans  # noqa: PLC0415  an extra, and 0.2 s to import
    except ImportError:
        why: str | None = "not installed: pip install 'customer-worker[otel]'"
    else:
        why = obstacle(os.environ)
    if why:
        log.warning("tracing.refused", detail=why)
        yield Trail
        return
    async with AsyncExitStack() as stack:
        try:
            make = await stack.enter_async_context(spans.exported())
        except Exception as error:  # noqa: BLE001  whatever OTEL_* it does not accept: no record waits for a trace
            # The error's text may quote a variable, and one of them holds a collector's password.
            log.warning("tracing.refused", detail=f"OpenTelemetry does not take its variables: {type(error).__name__}")
            make = Trail
        else:
            log.info("tracing.started")
        yield make
