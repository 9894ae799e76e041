import http.client
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
    assert health.problem(Ops(host=listens, port=8081)) is None
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
    assert health.problem(Ops()) == said


def test_port_that_nobody_knows() -> None:
    """A free port is chosen by the worker alone."""
    assert "WORKER_OPS__PORT" in (health.problem(Ops(port=0)) or "")
