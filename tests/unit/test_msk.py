"""Tokens that AWS's signer makes, and where the brokers are said to be."""

import base64
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

from worker import wiring
from worker.kafka.login import NoToken
from worker.kafka.login.msk import MskIam, region_of
from worker.model.errors import SettingsError
from worker.settings.kafka import Kafka
from worker.settings.settings import Settings

BROKERS = "b-1.crm.x1y2z3.c2.kafka.eu-north-1.amazonaws.com:9098,b-2.crm.x1y2z3.c2.kafka.eu-north-1.amazonaws.com:9098"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """No credentials but those that a test gives, and nobody is asked for any."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def connection(**kafka):
    given = {"sasl_mechanism": "AWS_MSK_IAM", "security_protocol": "SASL_SSL", "bootstrap_servers": BROKERS, **kafka}
    return wiring.connection(Settings(kafka=Kafka.model_validate(given)))


async def test_a_token(environment):
    """A signed address that lets one connect to the brokers of that region, for a quarter of an hour."""
    environment.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    token = await MskIam("eu-north-1").token()
    signed = urlsplit(base64.urlsafe_b64decode(token.text + "==").decode())
    assert signed.hostname == "kafka.eu-north-1.amazonaws.com"
    assert parse_qs(signed.query)["Action"] == ["kafka-cluster:Connect"]
    assert token.lasts == pytest.approx(900, abs=5)
    assert "s3cret" not in signed.query


async def test_no_credentials(environment):
    """One line that says so."""
    with pytest.raises(NoToken) as raised:
        await MskIam("eu-north-1").token()
    told = "no token signed for eu-north-1: AWS credentials are not to be found (AWS_* of the environment)"
    assert raised.value.args == (told,)


async def test_the_loop_goes_on(environment):
    """Credentials may be asked for over the network: that happens in another thread, and what it says is not told."""
    threads = []

    def signed(_):
        threads.append(threading.current_thread())
        raise ConnectionError("s3cret")

    environment.setattr(MSKAuthTokenProvider, "generate_auth_token", signed)
    with pytest.raises(NoToken, match="ConnectionError") as raised:
        await MskIam("eu-north-1").token()
    assert threads[0] is not threading.current_thread()
    assert "s3cret" not in str(raised.value.args)


def test_as_a_connection(environment):
    """For the client it is a token like any other, over TLS."""
    arguments = connection().arguments()
    assert (arguments["security_protocol"], arguments["sasl_mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    assert arguments["sasl_oauth_token_provider"] is not None


@pytest.mark.parametrize(
    ("servers", "region"),
    [
        (BROKERS, "eu-north-1"),
        ("boot-abc.c1.kafka-serverless.us-east-2.amazonaws.com:9098", "us-east-2"),
        ("b-1.x.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1"),
        ("b-1.x.kafka.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("kafka.example.com:9098", None),
        ("b-1.x.kafka.eu-north-1.amazonaws.com.example.com:9098", None),
    ],
)
def test_region_of_a_name(servers, region):
    """As AWS names its brokers."""
    assert region_of(servers) == region


def test_region_that_counts(environment):
    """What is set before what the names say, and that before the environment's, which may be the worker's own."""
    environment.setenv("AWS_REGION", "us-west-2")
    assert connection(aws_region="ap-south-1").tokens._source.region == "ap-south-1"
    assert connection().tokens._source.region == "eu-north-1"
    assert connection(bootstrap_servers="kafka.example.com:9098").tokens._source.region == "us-west-2"
    environment.delenv("AWS_REGION")
    with pytest.raises(SettingsError, match=r"^WORKER_KAFKA__AWS_REGION: required"):
        connection(bootstrap_servers="kafka.example.com:9098")


def test_without_the_packages(environment):
    """The setting is named, and what to install."""
    environment.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)
    environment.setattr("worker.wiring.login.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"^WORKER_KAFKA__SASL_MECHANISM: .*customer-worker\[aws\]"):
        connection()
