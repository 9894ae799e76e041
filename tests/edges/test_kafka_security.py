"""Every way in that Kafka offers, with the settings for it right and wrong."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from secured import PASSWORD, USER

from worker.kafka import admin
from worker.kafka.connection import Connection, opened
from worker.model.errors import KafkaUnavailable

# A client does not wait for the end of the TLS of the connections it closes, so that the loop must not end with a test.
pytestmark = pytest.mark.asyncio(loop_scope="module")
WRONG = "wr0ng-s3cret"
# A wrong setting must not be mistaken for a broker that is slow: each is said long before the request timeout of 5 s.
QUICKLY = 4


async def produce(connection: Connection) -> None:
    async with opened(AIOKafkaProducer(**connection.arguments()), connection, 10):
        pass


async def consume(connection: Connection) -> None:
    async with opened(AIOKafkaConsumer(**connection.arguments()), connection, 10):
        pass


async def administer(connection: Connection) -> None:
    async with admin.opened(connection) as client:
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
    """Every kind of client comes in by each."""
    await client(secured.connection(listener, **({"sasl_mechanism": mechanism} if mechanism else {})))


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
    """One line names the address and the setting to look at, soon, and no password."""
    listener, changes, setting = WRONG_WAYS[way]
    files = {
        name: getattr(secured.certificates, value)
        for name, value in changes.items()
        if name.endswith("_file") and value
    }
    connection = secured.connection(listener, **{**changes, **files})
    with pytest.raises(KafkaUnavailable) as raised:
        async with asyncio.timeout(QUICKLY):
            await client(connection)
    told = str(raised.value)
    assert told.startswith(
        f"cannot use Kafka at {secured.broker.address(listener)} (WORKER_KAFKA__BOOTSTRAP_SERVERS): "
    )
    assert setting in told
    assert "\n" not in told
    assert WRONG not in told
    assert PASSWORD not in told


@pytest.mark.parametrize("client", CLIENTS)
async def test_broker_named_by_its_address(secured, client):
    """A certificate vouches for names: an address that it does not hold is refused."""
    port = secured.broker.address("SSL").rpartition(":")[2]
    with pytest.raises(KafkaUnavailable, match=r"IP address mismatch.*WORKER_KAFKA__BOOTSTRAP_SERVERS\)$"):
        await client(replace(secured.connection("SSL"), bootstrap_servers=f"127.0.0.1:{port}"))
