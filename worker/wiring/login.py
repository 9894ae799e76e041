"""How tokens for the login to the brokers are obtained."""

import os
from importlib.util import find_spec

from worker.kafka.login import Tokens
from worker.kafka.login.endpoint import Endpoint, InFile
from worker.kafka.login.msk import PACKAGE, MskIam, region_of
from worker.model.errors import SettingsError
from worker.settings.kafka import Kafka
from worker.tls import context


def tokens(kafka: Kafka) -> Tokens | None:
    """The tokens; None for a login by password, or without one. Raises SettingsError."""
    if kafka.sasl_mechanism == "AWS_MSK_IAM":
        return Tokens(_of_aws(kafka))
    if kafka.oauth_token_file:
        return Tokens(InFile(kafka.oauth_token_file))
    if kafka.oauth_token_url and kafka.oauth_client_id and kafka.oauth_client_secret:
        secret = kafka.oauth_client_secret.get_secret_value()
        trusted = context("WORKER_KAFKA__OAUTH_", kafka.oauth_ca_file) if kafka.oauth_ca_file else None
        return Tokens(Endpoint(kafka.oauth_token_url, kafka.oauth_client_id, secret, kafka.oauth_scope, trusted))
    return None


def _of_aws(kafka: Kafka) -> MskIam:
    if find_spec(PACKAGE) is None:
        raise SettingsError(
            "WORKER_KAFKA__SASL_MECHANISM: AWS_MSK_IAM needs more packages: pip install 'customer-worker[aws]'"
        )
    variables = (os.environ.get(name) for name in ("AWS_REGION", "AWS_DEFAULT_REGION"))
    region = kafka.aws_region or region_of(kafka.bootstrap_servers) or next(filter(None, variables), None)
    if region is None:
        raise SettingsError("WORKER_KAFKA__AWS_REGION: required, since no name of a broker says it")
    return MskIam(region)
