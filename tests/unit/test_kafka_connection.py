"""What every Kafka client is made from, why it cannot be started, and that closing it ends."""

import asyncio
import logging
import re
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import ConnectionGroup
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    KafkaConnectionError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
    UnsupportedVersionError,
)
from aiokafka.protocol.metadata import MetadataRequest
from closing_clients import closing
from patience import PATIENCE, turns

from worker.kafka import connection
from worker.kafka.connection import Connection, borrowed, close, opened
from worker.kafka.failures import explained, named
from worker.model.errors import KafkaUnavailable, SettingsError, StartupError

PLAIN = Connection("127.0.0.1:9092")
FRUITLESS = KafkaConnectionError("Unable to bootstrap from [('127.0.0.1', 9092, 2)]")


class Broker(NamedTuple):
    """As the brokers tell of one another."""

    host: str
    port: int


@dataclass
class FakeClient:
    """A client whose stop does what the test wants."""

    stopping: BaseException | None = None
    blocked: bool = False
    starting: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[str] = field(default_factory=list)
    _conns: dict[str, "FakeConnection"] = field(default_factory=dict)

    @property
    def client(self) -> "FakeClient":
        return self

    async def start(self) -> None:
        self.calls.append("start")
        self.asked.set()
        if self.starting:
            await self.starting.wait()
            self.calls.append("started")
        if self.blocked:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        self.calls.append("stop")
        self.asked.set()
        if self.blocked:
            await asyncio.Event().wait()
        if self.stopping:
            raise self.stopping

    async def close(self) -> None:
        self.calls.append("close")


@dataclass
class FakeConnection:
    """One to a broker; `calls` are its client's."""

    calls: list[str]

    @property
    def _writer(self) -> "FakeConnection":
        return self

    @property
    def transport(self) -> "FakeConnection":
        return self

    def abort(self) -> None:
        self.calls.append("abort")


def test_plain_arguments() -> None:
    """Milliseconds for aiokafka, seconds for everybody else; no TLS where none was asked for."""
    arguments = Connection("a:1,b:2", request_timeout=1.5, ca_file=Path("/nowhere")).arguments()
    assert (arguments["bootstrap_servers"], arguments["request_timeout_ms"]) == ("a:1,b:2", 1500)
    assert arguments["ssl_context"] is None


def test_tls_without_files() -> None:
    """The system's certificates, and the host name is checked."""
    context = Connection("a:1", security_protocol="SSL").arguments()["ssl_context"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("servers", ["x:y", "a:99999", ":9092", "", "a:1,,b:2"])
def test_servers_that_are_none(servers: str) -> None:
    """The setting is named."""
    with pytest.raises(SettingsError, match=r"^WORKER_KAFKA__BOOTSTRAP_SERVERS"):
        Connection(servers).arguments()


@pytest.mark.parametrize(
    ("connection", "setting"),
    [
        (Connection("a:1", security_protocol="SASL_SSL"), "USERNAME"),
        (Connection("a:1", security_protocol="SASL_PLAINTEXT", username="u"), "PASSWORD"),
        (Connection("a:1", security_protocol="SSL", key_file=Path(__file__)), "CERT_FILE"),
        (Connection("a:1", security_protocol="SSL", ca_file=Path("/nowhere.pem")), "CA_FILE"),
        (Connection("a:1", security_protocol="SSL", ca_file=Path("/")), "CA_FILE"),
        (Connection("a:1", security_protocol="SSL", ca_file=Path(__file__)), "CA_FILE"),
        (Connection("a:1", security_protocol="SSL", cert_file=Path("/nowhere.pem")), "CERT_FILE"),
        (Connection("a:1", security_protocol="SSL", cert_file=Path(__file__)), "CERT_FILE"),
    ],
)
def test_login_or_file_that_is_missing(connection: Connection, setting: str) -> None:
    """The setting is named, and the file."""
    with pytest.raises(SettingsError, match=f"^WORKER_KAFKA__{setting}: "):
        connection.arguments()


def test_password_in_print() -> None:
    """Printing a connection shows no password."""
    assert "s3cret" not in repr(Connection("a:1", username="u", password="s3cret"))


def _fail_to_connect(*errors: BaseException) -> None:
    for error in errors:
        logging.getLogger("aiokafka.client").error('Unable connect to "%s:%s": %s', "127.0.0.1", 9092, error)
    raise FRUITLESS


def _certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "unable to get local issuer certificate"
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9092)"), "connection refused"),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed"), "connection refused"),
        (OSError(113, "No route to host"), "No route to host"),
        (socket.gaierror(-2, "Name or service not known"), "no such host"),
        (TimeoutError(), "no answer in time"),
        (SaslAuthenticationFailed("Authentication failed"), "WORKER_KAFKA__PASSWORD"),
        (UnsupportedSaslMechanismError(), "WORKER_KAFKA__SASL_MECHANISM"),
        (_certificate_error(), "unable to get local issuer certificate (WORKER_KAFKA__CA_FILE)"),
        (ssl.SSLError(1, "wrong version number"), "WORKER_KAFKA__SECURITY_PROTOCOL"),
        (ssl.SSLError(1, "tlsv13 alert certificate required"), "WORKER_KAFKA__CERT_FILE"),
        (KafkaConnectionError("Connection at 127.0.0.1:9092 closed"), "WORKER_KAFKA__SECURITY_PROTOCOL"),
        (ConnectionResetError(), "WORKER_KAFKA__SECURITY_PROTOCOL"),
    ],
)
def test_reason_in_the_log_only(error: BaseException, told: str) -> None:
    """The log line that aiokafka writes decides what is said; the address and its setting always stand there."""
    with pytest.raises(KafkaUnavailable) as raised, explained("127.0.0.1:9092", "PLAINTEXT"):
        _fail_to_connect(error)
    assert str(raised.value).startswith("cannot use Kafka at 127.0.0.1:9092 (WORKER_KAFKA__BOOTSTRAP_SERVERS): ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@dataclass
class FakeCluster:
    """What the brokers said of one another."""

    brokers: dict[object, Broker]

    def broker_metadata(self, broker: object) -> Broker | None:
        return self.brokers.get(broker)


@dataclass
class LedAstray(FakeClient):
    """It was let in, and told of a broker that nobody can reach."""

    cluster: FakeCluster = field(default_factory=lambda: FakeCluster({1: Broker("kafka-0.internal", 9092)}))
    failing: BaseException = field(default_factory=TimeoutError)

    async def start(self) -> None:
        log = logging.getLogger("aiokafka.client")
        log.error('Unable connect to "%s:%s": %s', "127.0.0.1", 9093, ConnectionRefusedError(111, "refused"))
        log.error("Unable connect to node with id %s: %s", 1, self.failing)
        raise FRUITLESS


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (socket.gaierror(-2, "Name or service not known"), "no such host"),
        (TimeoutError(), "no answer in time"),
        (SaslAuthenticationFailed("Authentication failed"), "WORKER_KAFKA__PASSWORD"),
    ],
)
async def test_a_broker_that_others_name_wrongly(error: BaseException, told: str) -> None:
    """Its own address is told, and where it comes from: ours was right."""
    with pytest.raises(KafkaUnavailable) as raised:
        async with opened(LedAstray(failing=error), Connection("127.0.0.1:9092"), within=10):
            pass
    assert str(raised.value).startswith(
        "Kafka at 127.0.0.1:9092 (WORKER_KAFKA__BOOTSTRAP_SERVERS) names kafka-0.internal:9092 as one of its brokers, "
    )
    assert told in str(raised.value)
    assert "advertised.listeners" in str(raised.value)


async def test_a_broker_that_is_ours_as_well() -> None:
    """Its address is the one of the settings; so is one that nobody knows any more."""
    for servers, broker in (("a:1, kafka-0.internal:9092", 1), ("a:1", 2)):
        client = LedAstray(
            failing=socket.gaierror(-2, "x"), cluster=FakeCluster({broker: Broker("kafka-0.internal", 9092)})
        )
        with pytest.raises(KafkaUnavailable, match=f"^cannot use Kafka at {servers}"):
            async with opened(client, Connection(servers), within=10):
                pass


def test_several_reasons() -> None:
    """Of several brokers the one that tells most decides: a refused login stays so, a refused connection may not."""
    with pytest.raises(KafkaUnavailable, match="refused the login"), explained("a:1,b:2,c:3", "SASL_SSL"):
        _fail_to_connect(ConnectionRefusedError(), SaslAuthenticationFailed(), TimeoutError())


def test_no_reason_at_all() -> None:
    """Then at least that."""
    with pytest.raises(KafkaUnavailable, match="no broker answered"), explained("a:1", "PLAINTEXT"):
        raise FRUITLESS


def test_refusal_by_the_broker() -> None:
    """Waiting does not help where Kafka says no."""
    with pytest.raises(StartupError, match="The version of API is not supported"), explained("a:1", "PLAINTEXT"):
        raise UnsupportedVersionError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TopicAuthorizationFailedError("t"), "no right to Write topic t (WORKER_KAFKA__USERNAME)"),
        (TopicAuthorizationFailedError({"t"}), "no right to Write the topic (WORKER_KAFKA__USERNAME)"),
        (
            GroupAuthorizationFailedError("g"),
            "no right to Read group g (WORKER_KAFKA__GROUP_ID, WORKER_KAFKA__USERNAME)",
        ),
        (
            GroupAuthorizationFailedError(),
            "no right to Read the group (WORKER_KAFKA__GROUP_ID, WORKER_KAFKA__USERNAME)",
        ),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_right_that_is_missing(error: Exception, told: str) -> None:
    """It is named with what it is a right to; any other error by its own name."""
    assert named(error, "Write") == told


def test_right_on_the_topic_that_was_asked_about() -> None:
    """An answer to a commit names none; one that an error names itself comes first."""
    assert named(TopicAuthorizationFailedError(), topic="t") == "no right to Read topic t (WORKER_KAFKA__USERNAME)"
    told = "no right to Read topic own (WORKER_KAFKA__USERNAME)"
    assert named(TopicAuthorizationFailedError("own"), topic="t") == told


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (InvalidSessionTimeoutError(), "WORKER_KAFKA__SESSION_TIMEOUT"),
        (InconsistentGroupProtocolError(), "WORKER_KAFKA__GROUP_ID"),
        (InvalidGroupIdError(), "WORKER_KAFKA__GROUP_ID"),
        (TransactionalIdAuthorizationFailed(), "WORKER_KAFKA__USERNAME"),
        (ClusterAuthorizationFailedError(), "WORKER_KAFKA__USERNAME"),
        (UnsupportedVersionError(), "WORKER_KAFKA__BOOTSTRAP_SERVERS"),
    ],
)
def test_a_setting_that_the_brokers_refuse(error: Exception, setting: str) -> None:
    """That one is named, and no other: the address was right."""
    with pytest.raises(StartupError, match=r"^Kafka at a:1 refused: ") as raised, explained("a:1", "PLAINTEXT"):
        raise error
    assert set(re.findall(r"WORKER_\w+", str(raised.value))) == {setting}
    assert setting in named(error) or setting.endswith("SERVERS")


def test_refused_membership() -> None:
    """A group that the user may not join is a reason not to start, and named."""
    with pytest.raises(StartupError, match="refused: no right to Read group g "), explained("a:1", "PLAINTEXT"):
        raise GroupAuthorizationFailedError("g")


def test_log_afterwards() -> None:
    """Nothing stays attached to aiokafka's log."""
    before = list(logging.getLogger("aiokafka").handlers)
    with explained("a:1", "PLAINTEXT"):
        pass
    assert logging.getLogger("aiokafka").handlers == before


async def test_client_that_stops() -> None:
    """It is asked once, and what it may have left open is closed."""
    client = FakeClient()
    assert await close(client, within=PATIENCE)
    assert client.calls == ["stop", "close"]


@pytest.mark.parametrize("raised", [asyncio.CancelledError(), FRUITLESS, TimeoutError()])
async def test_client_that_fails_to_stop(raised: BaseException) -> None:
    """A cancellation that nobody asked for, or any error, is no more than a no."""
    client = FakeClient(stopping=raised)
    assert not await close(client, within=PATIENCE)
    assert client.calls == ["stop", "close"]


async def test_client_that_never_stops() -> None:
    """It is given up after the time it has."""
    client = FakeClient(blocked=True)
    assert not await close(client, within=0.01)
    assert client.calls == ["stop", "close"]


async def test_closing_that_is_cancelled() -> None:
    """The caller's own cancellation comes through, and the client is closed all the same."""
    client = FakeClient(blocked=True)
    closing = asyncio.create_task(close(client, within=PATIENCE))
    await client.asked.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert client.calls == ["stop", "close"]


async def test_start_that_is_cancelled() -> None:
    """It ends before the client is stopped: aiokafka would leave its connection open."""
    client = FakeClient(starting=(go_on := asyncio.Event()))

    async def use() -> None:
        async with opened(client, PLAIN, within=PATIENCE):
            pass

    using = asyncio.create_task(use())
    await client.asked.wait()
    using.cancel()
    await turns()
    assert client.calls == ["start"]
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert client.calls == ["start", "started", "stop", "close"]


async def test_client_that_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, closed, and the reason is told."""
    monkeypatch.setattr(connection, "GRACE", 0.01)
    client = FakeClient(blocked=True)
    with pytest.raises(KafkaUnavailable, match="no answer in time"):
        async with opened(client, PLAIN, within=0.01):
            pass
    assert client.calls == ["start", "stop", "close"]


async def test_connections_of_a_client() -> None:
    """They are hung up once the client has ended all it had to, and not before; nobody waits for a goodbye."""
    client = FakeClient()
    client._conns["broker"] = FakeConnection(client.calls)
    assert await close(client, within=PATIENCE)
    assert client.calls == ["stop", "abort", "close"]


async def test_client_that_was_borrowed() -> None:
    """Nobody waits until it is closed, which it is all the same."""
    client = FakeClient(starting=(go_on := asyncio.Event()))
    go_on.set()
    async with borrowed(client, PLAIN, within=PATIENCE):
        pass
    assert client.calls == ["start", "started"]
    async with asyncio.timeout(PATIENCE):
        while closing():
            await asyncio.sleep(0)
    assert client.calls == ["start", "started", "stop", "close"]


async def test_client_that_was_borrowed_and_never_starts() -> None:
    """It is closed all the same, and the reason is told."""
    client = FakeClient(blocked=True)
    with pytest.raises(KafkaUnavailable, match="no answer in time"):
        async with borrowed(client, PLAIN, within=0.01):
            pass
    assert client.calls == ["start"]


async def test_an_answer_that_is_late_over_a_connection_that_was_dropped():
    """It is late, as over any other connection; aiokafka's own dictionary says KeyError."""
    consumer = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:9", group_id="g")
    client, place = consumer._client, (1, ConnectionGroup.DEFAULT)
    with pytest.raises(KafkaUnavailable):
        async with opened(consumer, PLAIN, 5.0):
            pass  # pragma: no cover  nobody listens there

    async def late(*_, **__):
        del client._conns[place]
        raise TimeoutError

    client._conns[place] = SimpleNamespace(connected=lambda: True, send=late)
    with pytest.raises(RequestTimedOutError):
        await client.send(1, MetadataRequest([]))
    with pytest.raises(KafkaConnectionError):
        client._conns[place].send(None)
