"""The operations port over HTTP, in the test's own process."""

import asyncio
import http.client
import threading
import time
import urllib.error
import urllib.request
from contextlib import asynccontextmanager, closing, contextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest
from patience import PATIENCE
from prometheus_client import CollectorRegistry

from worker.creation.backoff import Backoff
from worker.creation.breaker import Breaker
from worker.creation.holds import Holds
from worker.measures import Measures
from worker.model.errors import StartupError
from worker.ops.port import operations
from worker.ops.server import ops_port
from worker.ops.state import SessionState, State

STALLED = 2
"""Seconds of a blocked loop that are long enough to be told afterwards."""


class Pages:
    """What the pages show, as the test sets it."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.why, self.reasons = None, []

    def stalled(self):
        return self.why

    def not_ready(self):
        return self.reasons

    def state(self):
        return State("running", (), 0, 0, "idle", SessionState(None, 0), ())


@asynccontextmanager
async def opened(pages):
    async with (
        ops_port(pages, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        yield http


@pytest.mark.parametrize("path", ["/", "/metrics/", "/status/1", "/livez?", "/debug", "/healthz"])
async def test_another_path(path):
    """Unknown paths are a 404; an empty query changes nothing."""
    async with opened(Pages()) as http, http.get(path) as answer:
        assert answer.status == (200 if path == "/livez?" else 404)
        assert answer.headers["Server"] == "customer-worker"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/status"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_another_method(path, method):
    """Other methods than GET are a 405."""
    async with opened(Pages()) as http, http.request(method, path) as answer:
        assert answer.status == 405
        assert answer.headers["Server"] == "customer-worker"


async def test_a_page():
    """No page may be cached, and none names the server software."""
    async with opened(Pages()) as http:
        for path in ("/livez", "/readyz", "/metrics", "/status"):
            async with http.get(path) as answer:
                assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
                assert answer.headers["Server"] == "customer-worker"


async def test_what_is_not_well():
    """What is not well is a 503 with the reason."""
    pages = Pages()
    pages.why, pages.reasons = "the event loop stood still for 9.0 s", ["api_unavailable", "stopping"]
    async with opened(pages) as http:
        async with http.get("/livez") as answer:
            assert (answer.status, await answer.json()) == (503, {"live": False, "detail": pages.why})
        async with http.get("/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"ready": False, "reasons": pages.reasons})


async def test_who_accepts_openmetrics():
    """Prometheus's `Accept` header gets OpenMetrics, no header the classic text."""
    accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2"
    async with opened(Pages()) as http:
        async with http.get("/metrics", headers={"Accept": accept}) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
            assert (await answer.text()).endswith("# EOF\n")
        async with http.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")


async def test_a_port_that_is_taken():
    """A port in use: the error names the setting."""
    async with ops_port(Pages(), "127.0.0.1", 0) as port:
        with pytest.raises(StartupError, match=f"^WORKER_OPS__PORT: cannot listen on 127.0.0.1:{port}: .* in use"):
            async with ops_port(Pages(), "127.0.0.1", port):
                pass


@pytest.mark.parametrize("host", ["192.0.2.1", "x" * 64])
async def test_a_host_that_is_not_here(host):
    """A host that is not this machine's: the error names the setting."""
    with pytest.raises(StartupError, match=r"^WORKER_OPS__HOST: cannot listen on .+: .*address"):
        async with ops_port(Pages(), host, 0):
            pass


class Worker(threading.Thread):
    """A thread with an event loop that runs the operations port, which a test can block."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ready, self.loop, self.over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
        self.url = ""

    def run(self):
        self.loop.run_until_complete(self.work())
        self.loop.close()

    async def work(self):
        async with operations(Holds(Breaker(1, Backoff(1, 1))), Measures(), "127.0.0.1", 0) as shown:
            self.url = f"http://127.0.0.1:{shown.port}/livez"
            self.ready.set()
            await self.over.wait()

    def asked(self, within):
        """The status of /livez, or None where no answer comes in time."""
        try:
            with urllib.request.urlopen(self.url, timeout=within) as answer:  # noqa: S310  our own address
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except TimeoutError:
            return None

    @contextmanager
    def asking(self):
        """A request that is sent before the loop goes on; gives a function that returns its status."""
        with closing(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)) as connection:
            connection.request("GET", "/livez")
            yield lambda: connection.getresponse().status


def test_an_event_loop_that_is_blocked(monkeypatch):
    """A blocked loop does not answer; the first answer afterwards is a 503."""
    monkeypatch.setattr("worker.ops.watchdog.LOOP_STALLED", STALLED)
    monkeypatch.setattr("worker.ops.watchdog.TICK", 0.05)
    worker, blocked, released = Worker(), threading.Event(), threading.Event()
    worker.start()
    assert worker.ready.wait(PATIENCE)
    try:
        while worker.asked(within=PATIENCE) != 200:
            time.sleep(0.05)

        def block():
            blocked.set()
            released.wait(PATIENCE)

        worker.loop.call_soon_threadsafe(block)
        assert blocked.wait(PATIENCE)
        assert worker.asked(within=0.2) is None
        time.sleep(STALLED)
        with worker.asking() as answer:
            released.set()
            assert answer() == 503
        while worker.asked(within=PATIENCE) != 200:
            time.sleep(0.05)
    finally:
        worker.loop.call_soon_threadsafe(worker.over.set)
        released.set()
        worker.join(PATIENCE)
