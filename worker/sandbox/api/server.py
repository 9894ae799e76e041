"""Serves a sandbox over HTTP."""

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from aiohttp.web_request import BaseRequest

from worker.model.errors import StartupError
from worker.sandbox.api.answers import Answer, Refused, error
from worker.sandbox.api.config import SandboxConfig
from worker.sandbox.api.control import PREFIX, Control
from worker.sandbox.api.customers import Customers
from worker.sandbox.api.endpoints import Endpoints
from worker.sandbox.api.faults import Fault, Faults
from worker.sandbox.api.incoming import Dropped, Incoming
from worker.sandbox.api.ledger import Ledger
from worker.sandbox.api.sessions import Sessions
from worker.sandbox.api.state import CallLine, Sandbox

Report = Callable[[CallLine], None]

STOP_SECONDS = 0.5
KEEPALIVE_SECONDS = 75.0

_log = logging.getLogger(__name__)

# aiohttp would log the bytes of a broken request, and those may be personal data.
_silent = logging.getLogger(f"{__name__}.http")
_silent.disabled = True


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A running sandbox; `base_url` has its scheme, host and port."""

    base_url: str
    state: Sandbox

    @property
    def ledger(self) -> Ledger:
        """The record of what was executed."""
        return self.state.ledger

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        return self.state.faults

    @property
    def sessions(self) -> Sessions:
        """The sessions of all users."""
        return self.state.sessions

    @property
    def customers(self) -> Customers:
        """The customers that were created."""
        return self.state.customers


class Responder:
    """Answers each request, and counts and reports the call."""

    def __init__(self, sandbox: Sandbox, report: Report | None) -> None:
        self._sandbox = sandbox
        self._report = report
        self._endpoints = Endpoints(sandbox)
        self._control = Control(sandbox)

    async def respond(self, request: BaseRequest) -> web.StreamResponse:
        """Answer one request; the call is settled in the ledger, counted and reported, however it ended."""
        started = time.perf_counter()
        call = Incoming(request, self._sandbox.stopping)
        is_control = request.path.startswith(f"{PREFIX}/")
        try:
            answer = await self._answer(call, is_control=is_control)
            status, call.customer_id = answer.status, answer.customer_id
            sent = await self._send_slowly(call, answer) if answer.trickle else not call.client_has_gone
            if answer.execution is not None:
                self._sandbox.ledger.settle(answer.execution, status, reply_lost=not sent)
            response = _response(answer)
        except Dropped as dropped:
            if dropped.execution is not None:
                status_meant = self._sandbox.ledger[dropped.execution].status
                self._sandbox.ledger.settle(dropped.execution, status_meant, reply_lost=True)
            call.drop(reset=dropped.reset)
            status, response = 0, web.Response()
        if not is_control:
            self._tell(call, status, time.perf_counter() - started)
        return response

    async def _answer(self, call: Incoming, *, is_control: bool) -> Answer:
        try:
            if is_control:
                return await self._control.answer(call)
            self._refuse_in_outage(call)
            return await self._endpoints.answer(call)
        except Refused as refused:
            return refused.answer
        except Dropped:
            raise
        except Exception:  # noqa: BLE001 - a bug here must not look like a lost reply of the API
            _log.exception("the sandbox itself failed")
            return error(call.form, 500, "the sandbox itself failed")

    def _refuse_in_outage(self, call: Incoming) -> None:
        if self._sandbox.outage is None:
            return
        call.fault = "outage"
        if self._sandbox.outage == "drop":
            raise Dropped
        raise Refused(error(call.form, 503, "the sandbox is in an outage that was asked for"))

    async def _send_slowly(self, call: Incoming, answer: Answer) -> bool:
        try:
            return await call.trickle(_raw(answer), answer.trickle or 0)
        except Dropped:
            raise Dropped(answer.execution) from None

    def _tell(self, call: Incoming, status: int, seconds: float) -> None:
        path = "".join(filter(str.isprintable, call.request.path))[:100]
        tag = call.session.tag if call.session else None
        line = CallLine(call.request.method, path, status, seconds, call.customer_id, tag, call.fault)
        self._sandbox.count(line)
        if self._report is not None:
            self._report(line)


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)
    given = any(name.lower() == "content-type" for name in answer.headers)
    if answer.content_type is not None and not given:
        response.headers["Content-Type"] = answer.content_type
    return response


def _raw(answer: Answer) -> bytes:
    """The whole answer as HTTP/1.1 bytes, for one that is sent byte by byte."""
    headers = answer.headers | {"Content-Length": str(len(answer.body)), "Connection": "close"}
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + answer.body


@contextmanager
def _told_when_taken(config: SandboxConfig) -> Iterator[None]:
    try:
        yield
    except OSError as wrong:
        reason = wrong.strerror or str(wrong)
        raise StartupError(f"the sandbox cannot listen on {config.host}:{config.port}: {reason}") from wrong


@asynccontextmanager
async def sandbox_api(
    config: SandboxConfig | None = None, *, faults: Iterable[Fault] = (), report: Report | None = None
) -> AsyncIterator[RunningSandbox]:
    """Serve while the block runs; on exit each call still open is dropped, within two seconds.

    StartupError if the address cannot be listened on, such as when the port is taken. Without `report` no call is
    printed.
    """
    config = config or SandboxConfig()
    sandbox = Sandbox(config)
    for fault in faults:
        sandbox.faults.add(fault)
    server = web.Server(
        Responder(sandbox, report).respond,
        access_log=None,
        logger=_silent,
        auto_decompress=False,
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=STOP_SECONDS,
    )
    runner = web.ServerRunner(server, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    try:
        with _told_when_taken(config):
            await web.TCPSite(runner, config.host, config.port, backlog=1024).start()
        port = runner.addresses[0][1]
        host = f"[{config.host}]" if ":" in config.host else config.host
        yield RunningSandbox(f"http://{host}:{port}", sandbox)
    finally:
        sandbox.stopping.set()
        await runner.cleanup()
