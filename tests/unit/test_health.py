import http.client
import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from worker.ops import health
from worker.settings.settings import Ops


@dataclass
class Port:
    """An operations port that remembers where it was asked."""

    answer: int | Exception
    asked: list[tuple[str, int, str]] = field(default_factory=list)

    def connection(self, host: str, port: int, timeout: float) -> "Port":
        assert 0 < timeout < 5
        self.asked.append((host, port, ""))
        return self

    def request(self, _: str, path: str) -> None:
        host, port, _empty = self.asked.pop()
        self.asked.append((host, port, path))

    def getresponse(self) -> "Port":
        if isinstance(self.answer, Exception):
            raise self.answer
        return self

    @property
    def status(self) -> int | Exception:
        return self.answer

    def close(self) -> None: ...


@pytest.fixture
def answering(monkeypatch):
    def made(answer: int | Exception) -> Port:
        port = Port(answer)
        monkeypatch.setattr(http.client, "HTTPConnection", port.connection)
        return port

    return made


@pytest.mark.parametrize(
    ("listens", "asked"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.7", "10.0.0.7")],  # noqa: S104  nothing listens
)
def test_alive(answering, listens: str, asked: str) -> None:
    """A port that listens everywhere is asked on loopback."""
    port = answering(200)
    assert health.problem(listens, 8081) is None
    assert port.asked == [(asked, 8081, "/livez")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (503, "/livez answered 503"),
        (ConnectionRefusedError(), "no answer from 127.0.0.1:8080: ConnectionRefusedError"),
        (TimeoutError(), "no answer from 127.0.0.1:8080: TimeoutError"),
        (http.client.BadStatusLine("x"), "no answer from 127.0.0.1:8080: BadStatusLine"),
    ],
)
def test_not_alive(answering, answer: int | Exception, said: str) -> None:
    """Why is said in one line."""
    answering(answer)
    assert health.problem(health.HOST, health.PORT) == said


@pytest.mark.parametrize("host", ["a b", "\udcff"])
def test_a_host_that_nobody_can_have(host: str) -> None:
    """It is one line, too."""
    assert (health.problem(host, 8080) or "").startswith(f"no answer from {host}:8080: ")


def test_port_that_nobody_knows() -> None:
    """A free port is chosen by the worker alone."""
    assert "WORKER_OPS__PORT" in (health.problem("127.0.0.1", 0) or "")


@pytest.mark.parametrize(
    ("environment", "asked", "code"),
    [
        ({}, [("127.0.0.1", 8080, "/livez")], None),
        ({"WORKER_OPS__HOST": "::", "WORKER_OPS__PORT": "9090"}, [("::1", 9090, "/livez")], None),
        ({"WORKER_OPS__HOST": "", "WORKER_OPS__PORT": ""}, [("127.0.0.1", 8080, "/livez")], None),
        ({"WORKER_OPS__PORT": " 9090 "}, [("127.0.0.1", 9090, "/livez")], None),
        ({"WORKER_OPS__PORT": "http"}, [], "WORKER_OPS__PORT: is no number"),
    ],
)
def test_where_a_container_asks(answering, monkeypatch, environment, asked, code) -> None:
    """Where the environment says, else where the settings' defaults are."""
    for name in ("WORKER_OPS__HOST", "WORKER_OPS__PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    port = answering(200)
    with pytest.raises(SystemExit) as left:
        health.main()
    assert (left.value.code, port.asked) == (code, asked)
    assert (Ops().host, Ops().port) == (health.HOST, health.PORT)


def test_what_a_health_check_imports() -> None:
    """It is asked every few seconds, in each container, also on a machine that is busy."""
    program = "import sys, worker.ops.health; print(*sorted({each.partition('.')[0] for each in sys.modules}))"
    imported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pydantic", "structlog", "typer", "aiohttp", "asyncio"} & set(imported)
