"""The settings of Kafka: where it is, how the worker gets in, and as whose member; durations are seconds."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from worker.settings.group import Group
from worker.settings.kinds import Endpoint, GroupSecondOrMore, GroupSeconds, Positive, Servers, Start

BY_PASSWORD = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Kafka(Group):
    bootstrap_servers: Servers = "127.0.0.1:9092"
    """Where Kafka is: host:port, several with commas."""
    group_id: str = Field("customer-worker", min_length=1)
    """The consumer group; all replicas share it."""
    client_id: str = "customer-worker"
    """The name under which the brokers see this process."""
    session_timeout: GroupSecondOrMore = 45
    """After this long without a heartbeat the group gives a dead worker's partitions away."""
    rebalance_timeout: GroupSeconds | None = None
    """How long the group waits for a worker to drain at a rebalance; unset: the drain timeout + 15."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "AWS_MSK_IAM"] = "PLAIN"
    """How to log in to the brokers, with a SASL protocol: by a password, or by a token (the last two)."""
    username: str | None = None
    """The SASL user."""
    password: SecretStr | None = None
    """The SASL password."""
    oauth_token_url: Endpoint | None = None
    """The endpoint that gives tokens for client credentials, for OAUTHBEARER."""
    oauth_client_id: str | None = None
    """The client's id at the token endpoint."""
    oauth_client_secret: SecretStr | None = None
    """The client's secret at the token endpoint."""
    oauth_scope: str | None = None
    """The scope to ask for, several with spaces; unset: the endpoint's default."""
    oauth_ca_file: Path | None = None
    """Certificates (PEM) that the endpoint is checked against, read at the start; unset: the system's."""
    oauth_token_file: Path | None = None
    """A token that somebody else keeps fresh, instead of an endpoint; read at each login."""
    aws_region: str | None = None
    """Where the brokers are, for AWS_MSK_IAM; unset: as their names say, or AWS_REGION of the environment."""
    ca_file: Path | None = None
    """Certificates (PEM) that the brokers are checked against; unset: the system's."""
    cert_file: Path | None = None
    """The worker's own certificate (PEM), for mutual TLS."""
    key_file: Path | None = None
    """The key (PEM) of that certificate."""
    group_instance_id: str | None = None
    """Static membership: a name per replica, `{ordinal}` being the number its host name ends in; unset: dynamic."""
    start: Start = "earliest"
    """Where a group without any offset begins: `earliest`, `latest`, or a time such as 2026-11-27T08:00Z."""
    max_batch_bytes: Positive = 64 * 1024 * 1024
    """Bytes that a producer's batch may have once it is decompressed; a larger one holds its partition alone."""

    @model_validator(mode="after")
    def _by_aws(self) -> "Kafka":
        if self.sasl_mechanism != "AWS_MSK_IAM":
            self._refuse(["aws_region"], "WORKER_KAFKA__SASL_MECHANISM=AWS_MSK_IAM")
        elif self.security_protocol != "SASL_SSL":
            raise ValueError(
                "WORKER_KAFKA__SECURITY_PROTOCOL: must be SASL_SSL with WORKER_KAFKA__SASL_MECHANISM=AWS_MSK_IAM"
            )
        return self

    @model_validator(mode="after")
    def _by_token(self) -> "Kafka":
        """Require exactly one complete way to a token, and none where a token would not be used."""
        if self.sasl_mechanism != "OAUTHBEARER":
            self._refuse(self._of_tokens(), "WORKER_KAFKA__SASL_MECHANISM=OAUTHBEARER")
            return self
        if not self.security_protocol.startswith("SASL"):
            raise ValueError(
                "WORKER_KAFKA__SECURITY_PROTOCOL: must be SASL_SSL with WORKER_KAFKA__SASL_MECHANISM=OAUTHBEARER"
            )
        if bool(self.oauth_token_url) == bool(self.oauth_token_file):
            raise ValueError(
                "WORKER_KAFKA__OAUTH_TOKEN_URL or WORKER_KAFKA__OAUTH_TOKEN_FILE: one of them is required with "
                "WORKER_KAFKA__SASL_MECHANISM=OAUTHBEARER"
            )
        if self.oauth_token_file:
            self._refuse(self._of_tokens() - {"oauth_token_file"}, "WORKER_KAFKA__OAUTH_TOKEN_URL")
        for name in ("oauth_client_id", "oauth_client_secret"):
            if self.oauth_token_url and not getattr(self, name):
                raise ValueError(f"WORKER_KAFKA__{name.upper()}: required with WORKER_KAFKA__OAUTH_TOKEN_URL")
        if self.oauth_ca_file and not (self.oauth_token_url or "").startswith("https:"):
            raise ValueError(
                "WORKER_KAFKA__OAUTH_CA_FILE: is for an endpoint over TLS, and WORKER_KAFKA__OAUTH_TOKEN_URL is none"
            )
        return self

    @model_validator(mode="after")
    def _by_password(self) -> "Kafka":
        """Require a login where one is described: without it the brokers would be used as nobody."""
        if not self.security_protocol.startswith("SASL"):
            described = ["username", "password"] if self.sasl_mechanism == "PLAIN" else ["sasl_mechanism"]
            self._refuse(described, "WORKER_KAFKA__SECURITY_PROTOCOL=SASL_SSL or SASL_PLAINTEXT")
        elif self.sasl_mechanism not in BY_PASSWORD:
            self._refuse(["username", "password"], f"WORKER_KAFKA__SASL_MECHANISM={', '.join(BY_PASSWORD)}")
        return self

    @model_validator(mode="after")
    def _over_tls(self) -> "Kafka":
        """Require TLS where certificates are named: without it everything would be sent in plain text."""
        if not self.security_protocol.endswith("SSL"):
            self._refuse(["ca_file", "cert_file", "key_file"], "WORKER_KAFKA__SECURITY_PROTOCOL=SSL or SASL_SSL")
        return self

    def _of_tokens(self) -> set[str]:
        return {name for name in type(self).model_fields if name.startswith("oauth_")}

    def _refuse(self, names: Iterable[str], needed: str) -> None:
        for name in sorted(names):
            if getattr(self, name) is not None:
                raise ValueError(f"WORKER_KAFKA__{name.upper()}: is of use only with {needed}")
