"""Every way to log in to Kafka, with right and with wrong settings."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest
from patience import PATIENCE
from secured import PASSWORD, USER
from token_endpoint import CLIENT_ID, CLIENT_SECRET, token_endpoint, unsigned

from worker.kafka import admin
from worker.kafka.connection import Connection, opened
from worker.kafka.login import Tokens
from worker.kafka.login.endpoint import Endpoint, InFile
from worker.model.errors import KafkaUnavailable

# One loop for the module: a client's TLS connections end some time after the client, so after the test.
pytestmark = pytest.mark.asyncio(loop_scope="module")
WRONG = "wr0ng-s3cret"
# A wrong setting is known by what the broker answers: whoever waited for a time limit instead would wait this long.
NEVER = 10 * PATIENCE


async def produce(connection: Connection) -> None:
    async with opened(AIOKafkaProducer(**connection.arguments()), connection, NEVER):
        pass


async def consume(connection: Connection) -> None:
    async with opened(AIOKafkaConsumer(**connection.arguments()), connection, NEVER):
        pass


async def administer(connection: Connection) -> None:
    async with admin.opened(connection, NEVER) as client:
        assert (await client.cluster([])).brokers == 1


CLIENTS = [produce, consume, administer]


@pytest.mark.parametrize(
    ("listener", "mechanism"),
    [
        ("SSL", None),
        ("MTLS", None),
        ("SASLP", "PLAIN"),
        ("SASLP", "SCRAM-SHA-256"),
        ("SASLS", "PLAIN"),
        ("SASLS", "SCRAM-SHA-256"),
        ("SASLS", "SCRAM-SHA-512"),
    ],
)
@pytest.mark.parametrize("client", CLIENTS)
async def test_ways_in(secured, client, listener, mechanism):
    """Every kind of client logs in by each way."""
    await client(secured.connection(listener, **({"sasl_mechanism": mechanism} if mechanism else {})))


@pytest.mark.parametrize("listener", ["TOKEN", "TOKENS"])
@pytest.mark.parametrize("client", CLIENTS)
async def test_ways_in_with_a_token(secured, client, listener):
    """Every kind of client logs in with a token, for which it asks the endpoint once."""
    async with token_endpoint(USER) as endpoint:
        await client(secured.connection(listener, tokens=of(endpoint)))
        assert len(endpoint.forms) == 1


def of(endpoint, secret=CLIENT_SECRET):
    return Tokens(Endpoint(endpoint.url, CLIENT_ID, secret))


async def refusal(connection: Connection, client=produce) -> str:
    """Why the client is not let in: one line without a secret, and known without waiting for a time limit."""
    with pytest.raises(KafkaUnavailable) as raised:
        async with asyncio.timeout(PATIENCE):
            await client(replace(connection, request_timeout=NEVER))
    told = str(raised.value)
    assert "\n" not in told
    assert [secret for secret in (WRONG, CLIENT_SECRET, PASSWORD) if secret in told] == []
    return told


@pytest.mark.parametrize("client", CLIENTS)
async def test_wrong_ways_to_a_token(secured, client, tmp_path):
    """A wrong secret, token or file: the line says who refused what, and names the settings."""
    async with token_endpoint(USER) as endpoint:
        told = await refusal(secured.connection("TOKENS", tokens=of(endpoint, WRONG)), client)
        assert "): no token from http://127.0.0.1:" in told
        assert told.endswith("401 invalid_client (WORKER_KAFKA__OAUTH_CLIENT_ID, WORKER_KAFKA__OAUTH_CLIENT_SECRET)")
        endpoint.answer = 200, b'{"access_token": "no.token.of-yours"}'
        told = await refusal(secured.connection("TOKENS", tokens=of(endpoint)), client)
        assert "the brokers refused the token: invalid_token (WORKER_KAFKA__OAUTH_CLIENT_ID" in told
    (tmp_path / "token").write_text(unsigned(USER, -10))
    told = await refusal(secured.connection("TOKENS", tokens=Tokens(InFile(tmp_path / "token"))), client)
    assert told.endswith("the brokers refused the token: invalid_token (WORKER_KAFKA__OAUTH_TOKEN_FILE)")
    told = await refusal(secured.connection("SASLS", tokens=Tokens(InFile(tmp_path / "token"))), client)
    assert "it does not offer that login (WORKER_KAFKA__SASL_MECHANISM" in told


class Outage:
    """Remembers what an operator would be told."""

    def __init__(self) -> None:
        self.details: list[str | None] = []

    def begin(self, detail: str) -> None:
        self.details.append(detail)

    def end(self) -> None:
        self.details.append(None)


def again(connection: Any) -> asyncio.Task[None]:
    """Renew the login of a connection now, instead of when it is due."""

    async def log_in() -> None:
        async with connection._quiet():
            await connection._log_in()

    connection._renewal.cancel()
    connection._renewal = renewal = asyncio.create_task(log_in())
    return renewal


@pytest.mark.parametrize("listener", ["TOKEN", "TOKENS"])
async def test_a_login_that_is_renewed(secured, listener):
    """A login is renewed on a connection in use, which lives longer than its first login.

    Where this machine is too busy to renew a login in time, another try has logins that last longer.
    """
    for lasts in (6, 12, 24):
        moments = [time.monotonic()]
        try:
            await outlived(secured, listener, lasts, moments)
        except (AssertionError, KafkaError):
            slowest = max(later - now for now, later in pairwise([*moments, time.monotonic()]))
            # A login's time begins before the step ends in which it is renewed, and goes on to the end of the next one.
            if slowest < lasts / 2:
                raise
        else:
            return
    raise AssertionError("no login of 24 s could be renewed within its time")


async def outlived(secured, listener, lasts, moments):
    """A connection that is renewed serves requests for longer than one login lasts.

    `moments` gets the monotonic time before each renewal.
    """
    async with token_endpoint(USER, lasts=lasts) as endpoint:
        connection = secured.connection(listener, tokens=of(endpoint))
        async with opened(AIOKafkaProducer(**connection.arguments()), connection, PATIENCE) as producer:
            assert await producer.client.force_metadata_update()
            (used,) = producer.client._conns.values()
            assert 0 < used._lasts <= lasts
            until = time.monotonic() + lasts + 1
            while time.monotonic() < until:
                moments.append(time.monotonic())
                # The brokers refuse a renewal within a second of the last one.
                await asyncio.sleep(1.1)
                connection.tokens._fresh_until = 0
                await asyncio.gather(again(used), *[used.send(MetadataRequest([])) for _ in range(20)])
            assert await producer.client.force_metadata_update()
            assert list(producer.client._conns.values()) == [used]


async def test_a_login_that_ends(secured):
    """Without a new token the connection is closed and the outage told; with one the client recovers by itself."""
    async with token_endpoint(USER, lasts=3) as endpoint:
        tokens, outage = of(endpoint), Outage()
        tokens.outage = outage
        connection = secured.connection("TOKENS", tokens=tokens)
        async with opened(AIOKafkaProducer(**connection.arguments()), connection, PATIENCE) as producer:
            used = producer.client.force_metadata_update
            assert await used()
            endpoint.answer = 400, b'{"error": "unauthorized_client"}'
            async with asyncio.timeout(PATIENCE):
                while "400 unauthorized_client" not in str(outage.details[-1]):
                    await used()
            endpoint.answer, endpoint.lasts = None, 300
            async with asyncio.timeout(PATIENCE):
                while not await used():
                    await asyncio.sleep(0.05)
            assert outage.details[-1] is None


async def test_a_renewal_holds_nothing_back_for_good(secured):
    """Requests during a renewal are sent after it, or fail with it: none waits for ever."""
    async with token_endpoint(USER) as endpoint:
        connection = secured.connection("TOKEN", tokens=of(endpoint))
        async with opened(AIOKafkaProducer(**connection.arguments()), connection, PATIENCE) as producer:
            assert await producer.client.force_metadata_update()
            (used,) = producer.client._conns.values()
            renewal = again(used)
            await asyncio.sleep(0)
            answers = await asyncio.gather(*[used.send(MetadataRequest([])) for _ in range(20)])
            assert len(answers) == 20
            await renewal
            endpoint.answer = 200, b'{"access_token": "no.token.of-yours"}'
            connection.tokens._fresh_until = 0
            renewal = again(used)
            await asyncio.sleep(0)
            cut = await asyncio.gather(*[used.send(MetadataRequest([])) for _ in range(20)], return_exceptions=True)
            assert {type(each) for each in cut} == {KafkaConnectionError}


WRONG_WAYS: dict[str, tuple[str, dict[str, Any], str]] = {
    "an authority that nobody knows": ("SSL", {"ca_file": "other_ca"}, "WORKER_KAFKA__CA_FILE"),
    "no authority of its own": ("SSL", {"ca_file": None}, "WORKER_KAFKA__CA_FILE"),
    "a certificate for another host": ("ELSEWHERE", {}, "as its certificate does, WORKER_KAFKA__BOOTSTRAP_SERVERS"),
    "no certificate": ("MTLS", {"cert_file": None}, "WORKER_KAFKA__CERT_FILE"),
    "a certificate of another authority": ("MTLS", {"cert_file": "other_client"}, "WORKER_KAFKA__CERT_FILE"),
    "a wrong password, PLAIN": ("SASLS", {"password": WRONG, "sasl_mechanism": "PLAIN"}, "WORKER_KAFKA__PASSWORD"),
    "a wrong password, SCRAM": ("SASLP", {"password": WRONG}, "WORKER_KAFKA__PASSWORD"),
    "an unknown user": ("SASLS", {"username": "nobody"}, "WORKER_KAFKA__USERNAME"),
    "a mechanism that is not offered": (
        "SASLP",
        {"sasl_mechanism": "SCRAM-SHA-512"},
        "WORKER_KAFKA__SASL_MECHANISM",
    ),
    "plain text to TLS": ("SSL", {"security_protocol": "PLAINTEXT"}, "WORKER_KAFKA__SECURITY_PROTOCOL"),
    "TLS to plain text": ("SASLP", {"security_protocol": "SASL_SSL"}, "WORKER_KAFKA__SECURITY_PROTOCOL"),
    "no login where one is expected": ("SASLS", {"security_protocol": "SSL"}, "WORKER_KAFKA__SECURITY_PROTOCOL"),
    "a login where none is expected": (
        "SSL",
        {"security_protocol": "SASL_SSL", "username": USER, "password": PASSWORD},
        "WORKER_KAFKA__SECURITY_PROTOCOL",
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("way", WRONG_WAYS)
async def test_wrong_ways_in(secured, client, way):
    """Each wrong setting gives a line with the address and the setting to look at."""
    listener, changes, setting = WRONG_WAYS[way]
    files = {
        name: getattr(secured.certificates, value)
        for name, value in changes.items()
        if name.endswith("_file") and value
    }
    told = await refusal(secured.connection(listener, **{**changes, **files}), client)
    assert told.startswith(
        f"cannot use Kafka at {secured.broker.address(listener)} (WORKER_KAFKA__BOOTSTRAP_SERVERS): "
    )
    assert setting in told


@pytest.mark.parametrize("client", CLIENTS)
async def test_broker_named_by_its_address(secured, client):
    """A broker that is named by an address which its certificate does not have is refused."""
    port = secured.broker.address("SSL").rpartition(":")[2]
    with pytest.raises(KafkaUnavailable, match=r"IP address mismatch.*WORKER_KAFKA__BOOTSTRAP_SERVERS\)$"):
        await client(replace(secured.connection("SSL"), bootstrap_servers=f"127.0.0.1:{port}"))
