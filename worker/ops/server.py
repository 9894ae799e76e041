"""The four pages over HTTP. Nothing else is answered, and nothing tells anything of a customer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import orjson
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from worker.ops.listening import listen
from worker.ops.metrics import exposed

log = structlog.get_logger()
CLOSE_WITHIN = 1.0
KEPT_FOR = 75.0
HEADERS = {"Cache-Control": "no-store", "Server": "customer-worker"}


class Shown(Protocol):
    """The state that `/status` shows."""

    def as_dict(self) -> dict[str, Any]: ...


class Pages(Protocol):
    """Where each page of the operations port gets its content."""

    def stalled(self) -> str | None: ...
    def not_ready(self) -> list[str]: ...
    def state(self) -> Shown: ...
    @property
    def registry(self) -> CollectorRegistry: ...


def application(pages: Pages) -> web.Application:
    """`/livez`, `/readyz`, `/metrics` and `/status`; only GET is answered."""

    async def livez(_: web.Request) -> web.Response:
        why = pages.stalled()
        return _json({"live": not why} | ({"detail": why} if why else {}), 503 if why else 200)

    async def readyz(_: web.Request) -> web.Response:
        reasons = pages.not_ready()
        return _json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def metrics(request: web.Request) -> web.Response:
        body, content_type = exposed(pages.registry, ",".join(request.headers.getall("Accept", [])))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def status(_: web.Request) -> web.Response:
        return _json(pages.state().as_dict(), 200)

    handlers: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
        "/livez": livez,
        "/readyz": readyz,
        "/metrics": metrics,
        "/status": status,
    }
    app = web.Application(client_max_size=0)
    app.add_routes([web.get(path, handler) for path, handler in handlers.items()])
    app.on_response_prepare.append(_in_our_name)
    return app


async def _in_our_name(_: web.Request, response: web.StreamResponse) -> None:
    """Also what the library answers, to a path that does not exist: it would tell its version."""
    response.headers.update(HEADERS)


def _json(value: object, status: int) -> web.Response:
    body = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=status, content_type="application/json")


@asynccontextmanager
async def ops_port(pages: Pages, host: str, port: int) -> AsyncIterator[int]:
    """Listen from now on; yields the port's number. Raises StartupError where that is not possible."""
    runner = web.AppRunner(
        application(pages), access_log=None, keepalive_timeout=KEPT_FOR, shutdown_timeout=CLOSE_WITHIN
    )
    await runner.setup()
    try:
        await listen(runner, host, port)
        bound: int = runner.addresses[0][1]
        log.info("ops.started", host=host, port=bound)
        yield bound
    finally:
        await runner.cleanup()
