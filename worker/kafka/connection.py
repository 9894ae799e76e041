"""How every Kafka client is made, opened and, whatever the brokers do, closed again."""

import asyncio
import shlex
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiokafka.conn import collect_hosts

from worker import tls
from worker.kafka.connections import Connections
from worker.kafka.failures import explained
from worker.kafka.login import Tokens
from worker.model.errors import SettingsError
from worker.stopping import Stopping

# Seconds that a step may still take after it was given up: a start to end well, a cancelled stop to notice it.
GRACE = 1.0


@dataclass(frozen=True)
class Connection:
    """Where Kafka is and how it lets us in, by a password or by tokens; `request_timeout` is in seconds.

    Once `stopping` is set, clients take no longer to close than is left of the stop.
    """

    bootstrap_servers: str
    client_id: str = "customer-worker"
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    tokens: Tokens | None = field(default=None, repr=False)
    request_timeout: float = 30.0
    stopping: Stopping = field(default_factory=Stopping, repr=False, compare=False)

    def arguments(self) -> dict[str, Any]:
        """The arguments that every client takes; SettingsError names the setting that is wrong."""
        self._check()
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "request_timeout_ms": int(self.request_timeout * 1000),
            "security_protocol": self.security_protocol,
            "ssl_context": self._tls() if self.security_protocol.endswith("SSL") else None,
            # To the brokers' protocol all kinds of tokens are the same.
            "sasl_mechanism": "OAUTHBEARER" if self.tokens else self.sasl_mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            "sasl_oauth_token_provider": self.tokens,
        }

    def _check(self) -> None:
        try:
            servers = collect_hosts(self.bootstrap_servers)
        except ValueError:
            servers = []
        if not servers or not all(host and 0 < port < 65_536 for host, port, _ in servers):
            raise SettingsError("WORKER_KAFKA__BOOTSTRAP_SERVERS: must be host:port, several with commas")
        by_password = self.security_protocol.startswith("SASL") and not self.tokens
        if by_password and not self.username:
            raise SettingsError(f"WORKER_KAFKA__USERNAME: required with {self.security_protocol}")
        if by_password and not self.password:
            raise SettingsError(f"WORKER_KAFKA__PASSWORD: required with {self.security_protocol}")
        if self.key_file and not self.cert_file:
            raise SettingsError("WORKER_KAFKA__CERT_FILE: required with WORKER_KAFKA__KEY_FILE")

    def _tls(self) -> ssl.SSLContext:
        return tls.context("WORKER_KAFKA__", self.ca_file, self.cert_file, self.key_file)


def tool_options(servers: str, protocol: str) -> str:
    """The options by which Kafka's own tools reach the brokers.

    What TLS or a login needs stands in a file of theirs (docs: security, kafka rights).
    """
    login = "" if protocol == "PLAINTEXT" else " --command-config admin.properties"
    return f"--bootstrap-server {shlex.quote(servers)}{login}"


class Client(Protocol):
    """What consumers and producers have in common."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


AnyClient = TypeVar("AnyClient", bound=Client)


@asynccontextmanager
async def opened(client: AnyClient, connection: Connection, within: float) -> AsyncIterator[AnyClient]:
    """A started client, closed in the end; KafkaUnavailable says why it could not be started."""
    try:
        await _start(client, connection, within)
        yield client
    finally:
        await close(client, connection.stopping.left(within))


@asynccontextmanager
async def borrowed(client: AnyClient, connection: Connection, within: float) -> AsyncIterator[AnyClient]:
    """Like `opened`, but close the client in the background, as it has nothing to finish with the brokers."""
    try:
        await _start(client, connection, within)
        yield client
    finally:
        closing = asyncio.create_task(close(client, GRACE), name="close a client")
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)


async def _start(client: Client, connection: Connection, within: float) -> None:
    with explained(connection.bootstrap_servers, connection.security_protocol, partial(advertised, client)):
        await started(client, within)


# The tasks that close clients: the event loop alone would not keep them from the garbage collector.
_closing: set[asyncio.Task[bool]] = set()


async def started(client: Client, within: float) -> None:
    """Start the client. Raises what its start raises, TimeoutError, and the caller's cancellation.

    A start that is given up gets a moment to end by itself: aiokafka leaves the connection of a cancelled one open.
    """
    if (inner := _inner(client)) is not None:
        inner._conns = Connections(inner._conns)  # noqa: SLF001  as above
    starting = asyncio.create_task(client.start())
    try:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes with the answer.
        async with asyncio.timeout(within):
            await asyncio.shield(starting)
    finally:
        await ended(starting, GRACE)


async def close(client: Client, within: float) -> bool:
    """Close the client, in `within` and two more seconds at most; whether it could end all that it had begun.

    Where `within` is less than GRACE, so is each second that is added.

    With the brokers gone, stopping a client blocks for good or raises CancelledError that nobody asked for
    (docs: kafka, stopping a client). The stop runs in a task of its own, so that only the caller's own cancellation
    comes through.
    """
    if (inner := _inner(client)) is not None:
        inner.close = partial(_hung_up, inner, inner.close)
    try:
        return await ended(client.stop(), within)
    finally:
        # stop() is done only once; what it left open is closed here (docs: kafka, stopping a client).
        if inner is not None:
            await ended(inner.close(), min(GRACE, within))


async def _hung_up(inner: Any, close: Callable[[], Coroutine[Any, Any, None]]) -> None:  # noqa: ANN401  aiokafka's own
    """The last step of a client's stop, with nothing left to end with the brokers: cut the connections, then close.

    The client would wait on each connection for TLS's closing handshake. uvloop waits half a minute for the broker's
    part of it where an answer comes first that nobody reads any more.
    """
    for connection in getattr(inner, "_conns", {}).values():
        if connection._writer is not None:  # noqa: SLF001  aiokafka has no other way to hang up
            connection._writer.transport.abort()  # noqa: SLF001  as above
    await close()


async def met(client: object, topic: str) -> None:
    """Return once the client knows the topic's leaders.

    Asked for the offsets of a topic that it does not know, aiokafka takes its metadata as stale, and waits for 100 ms.
    """
    if (inner := _inner(client)) is not None:
        await inner.add_topic(topic)


def advertised(client: object, broker: object) -> str | None:
    """host:port of a broker, as the brokers told it to that client."""
    cluster = getattr(_inner(client), "cluster", None)
    known = cluster.broker_metadata(broker) if cluster else None
    return f"{known.host}:{known.port}" if known else None


def _inner(client: object) -> Any:  # noqa: ANN401  aiokafka's own client, which has no type
    return getattr(client, "_client", None) or getattr(client, "client", None)


async def ended(step: Coroutine[Any, Any, object] | asyncio.Task[object], within: float) -> bool:
    """Whether the step ended well within that many seconds; otherwise it is cancelled. Its error is never raised."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.wait({task}, timeout=within)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=min(GRACE, within))
    return task.done() and not task.cancelled() and task.exception() is None
