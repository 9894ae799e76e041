"""How tokens for the brokers are come by."""

from worker.kafka.login import Tokens
from worker.kafka.login.endpoint import Endpoint, InFile
from worker.settings.kafka import Kafka


def tokens(kafka: Kafka) -> Tokens | None:
    """None where a password is shown, or nothing."""
    if kafka.oauth_token_file:
        return Tokens(InFile(kafka.oauth_token_file))
    if kafka.oauth_token_url and kafka.oauth_client_id and kafka.oauth_client_secret:
        secret = kafka.oauth_client_secret.get_secret_value()
        endpoint = Endpoint(
            kafka.oauth_token_url, kafka.oauth_client_id, secret, kafka.oauth_scope, kafka.oauth_ca_file
        )
        return Tokens(endpoint)
    return None
