"""A Kafka with TLS, certificates, passwords and access rights, which a test grants and takes away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from kafka_rights import Rights

from worker.kafka.connection import Connection
from worker.sandbox.local_kafka import LocalKafka

USER, PASSWORD = "worker", "s3cret-of-the-worker"
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
LISTENERS: Final = {
    "SASLP": "SASL_PLAINTEXT",
    "SSL": "SSL",
    "SASLS": "SASL_SSL",
    "MTLS": "SSL",
    # Its certificate is for another host.
    "ELSEWHERE": "SSL",
    # Logins by token, which end after some seconds.
    "TOKEN": "SASL_PLAINTEXT",
    "TOKENS": "SASL_SSL",
}
LASTS: Final = 10.0
# One mechanism is missing on one listener.
_NOT_EVERYWHERE = {"listener.name.saslp.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256"}
_TOKENS = {
    f"listener.name.{listener}.{name}": value
    for listener in ("token", "tokens")
    for name, value in {
        "sasl.enabled.mechanisms": "OAUTHBEARER",
        "oauthbearer.connections.max.reauth.ms": str(int(LASTS * 1000)),
        "oauthbearer.sasl.jaas.config": "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
        'unsecuredLoginStringClaim_sub="broker";',
    }.items()
}
_LOGINS = {
    "plain": f'plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
    "scram-sha-256": "scram.ScramLoginModule required;",
    "scram-sha-512": "scram.ScramLoginModule required;",
}


@dataclass(frozen=True)
class Certificates:
    """PEM files of an authority that the broker trusts, and of one that it does not know."""

    folder: Path

    def __post_init__(self) -> None:
        ours, other = trustme.CA(), trustme.CA()
        ours.cert_pem.write_to_path(self.ca)
        other.cert_pem.write_to_path(self.other_ca)
        _write(self.server, ours.issue_cert("localhost"), self.ca)
        _write(self.elsewhere, ours.issue_cert("kafka.example.com"), self.ca)
        _write(self.client, ours.issue_cert("worker.example.com", common_name=USER), None)
        _write(self.other_client, other.issue_cert("worker.example.com", common_name=USER), None)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def other_ca(self) -> Path:
        return self.folder / "other-ca.pem"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    @property
    def elsewhere(self) -> Path:
        return self.folder / "elsewhere.pem"

    @property
    def client(self) -> Path:
        """The client's certificate and key in one file."""
        return self.folder / "client.pem"

    @property
    def other_client(self) -> Path:
        return self.folder / "other-client.pem"


def _write(file: Path, issued: trustme.LeafCert, ca: Path | None) -> None:
    """Write key and certificates into one file, the key in PKCS#8, as Kafka wants them."""
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    told = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = [each.bytes() for each in issued.cert_chain_pems]
    file.write_bytes(b"".join([told, *chain, ca.read_bytes() if ca else b""]))


def _properties(certificates: Certificates) -> dict[str, str]:
    logins = {
        f"listener.name.{listener}.{mechanism}.sasl.jaas.config": f"org.apache.kafka.common.security.{module}"
        for listener in ("saslp", "sasls")
        for mechanism, module in _LOGINS.items()
    }
    return {
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
        "listener.name.elsewhere.ssl.keystore.type": "PEM",
        "listener.name.elsewhere.ssl.keystore.location": str(certificates.elsewhere),
        "listener.name.mtls.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Connections without a login: the broker's own, and those by which tests prepare topics and rights.
        "super.users": "User:ANONYMOUS",
        **_NOT_EVERYWHERE,
        **_TOKENS,
        **logins,
    }


@dataclass(frozen=True)
class SecuredKafka:
    """The broker; on its plain listener everything is allowed, so that tests can grant rights there."""

    broker: LocalKafka
    certificates: Certificates

    @property
    def plain(self) -> str:
        return self.broker.bootstrap_servers

    def connection(self, listener: str, **changes: Any) -> Connection:
        """The connection of a worker with right settings for that listener."""
        given: dict[str, Any] = {
            "security_protocol": LISTENERS[listener],
            "ca_file": self.certificates.ca,
            "request_timeout": 5,
        }
        if listener.startswith("TOKEN"):
            given |= {"sasl_mechanism": "OAUTHBEARER"}
        elif listener.startswith("SASL"):
            given |= {"sasl_mechanism": MECHANISMS[1], "username": USER, "password": PASSWORD}
        if listener == "MTLS":
            given |= {"cert_file": self.certificates.client}
        return Connection(self.broker.address(listener), **{**given, **changes})

    @property
    def rights(self) -> Rights:
        """The rights of the worker's user, who has none at first."""
        return Rights(self.plain, USER)


@asynccontextmanager
async def secured_kafka(folder: Path) -> AsyncIterator[SecuredKafka]:
    """A running broker; its certificates are written to that folder."""
    certificates = Certificates(folder)
    users = [f"--add-scram={each}=[name={USER},password={PASSWORD}]" for each in MECHANISMS if each != "PLAIN"]
    broker = LocalKafka(listeners=LISTENERS, properties=_properties(certificates), format_options=users)
    async with broker:
        yield SecuredKafka(broker, certificates)
