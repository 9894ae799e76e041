"""What the settings take, and what they derive from each other."""

import re

import pytest
from pydantic import BaseModel, ValidationError

from worker import wiring
from worker.settings import api as of_api
from worker.settings import kafka as of_kafka
from worker.settings import settings
from worker.settings.settings import Settings


def _groups() -> list[type[BaseModel]]:
    """Whatever is a setting stands in one of them."""
    return [type(getattr(Settings(), name)) for name in Settings.model_fields]


def test_every_setting_is_explained() -> None:
    """One sentence for each name, which the documentation repeats."""
    unexplained = [
        f"{group.__name__}.{name}"
        for group in _groups()
        for name, field in group.model_fields.items()
        if not (field.description or "").strip()
    ]
    assert unexplained == []


def test_every_secret_is_one() -> None:
    """Whatever is called so is shown by nobody who prints it; a path to one is none."""
    called = re.compile(r"(?:^|_)(?:password|secret|token)$")
    groups: list[type[BaseModel]] = [*_groups(), of_api.Account]
    secrets = {
        f"{group.__name__}.{name}": str(field.annotation)
        for group in groups
        for name, field in group.model_fields.items()
        if called.search(name)
    }
    assert {name for name, kind in secrets.items() if "SecretStr" not in kind} == set()
    assert len(secrets) >= 8


def test_rebalance_timeout_unset() -> None:
    """It leaves a quarter of a minute after a drain."""
    assert Settings(dispatch=settings.Dispatch(drain_timeout=60)).rebalance_timeout == 75


def test_rebalance_timeout_set() -> None:
    """What is set counts."""
    assert Settings(kafka=of_kafka.Kafka(rebalance_timeout=100)).rebalance_timeout == 100


HTTPS = {"base_url": "https://crm"}
PROXY = {"proxy": "http://proxy:3128"}
TOKEN = {"sasl_mechanism": "OAUTHBEARER", "security_protocol": "SASL_SSL"}
URL = {"oauth_token_url": "https://login.example.com/token"}
CLIENT = {"oauth_client_id": "c", "oauth_client_secret": "s"}
PLAIN = {"security_protocol": "SASL_PLAINTEXT", "username": "u", "password": "p"}
FILE = {"oauth_token_file": "token"}
MSK = {"sasl_mechanism": "AWS_MSK_IAM", "security_protocol": "SASL_SSL"}


@pytest.mark.parametrize(
    ("given", "setting"),
    [
        ({"kafka": {"rebalance_timeout": 40}}, "WORKER_KAFKA__REBALANCE_TIMEOUT"),
        ({"kafka": {"rebalance_timeout": 0}}, "WORKER_KAFKA__REBALANCE_TIMEOUT"),
        ({"dispatch": {"drain_timeout": 30}}, "WORKER_DISPATCH__DRAIN_TIMEOUT"),
        ({"reconcile": {"by": "custom_attribute"}}, "WORKER_RECONCILE__ATTRIBUTE"),
        ({"api": {"unknown_statuses": "500,503", "retry_statuses": "429,503"}}, "RETRY_STATUSES both name 503"),
        ({"api": HTTPS | {"key_file": "k"}}, "WORKER_API__CERT_FILE: required with WORKER_API__KEY_FILE"),
        ({"api": {"base_url": "http://crm", "cert_file": "c"}}, "WORKER_API__CERT_FILE: is for an API over TLS"),
        ({"api": {"proxy_username": "u"}}, "WORKER_API__PROXY: required with WORKER_API__PROXY_USERNAME"),
        ({"api": {"proxy_ca_file": "c"}}, "WORKER_API__PROXY: required with WORKER_API__PROXY_CA_FILE"),
        ({"api": PROXY | {"proxy_password": "p"}}, "PROXY_USERNAME: required with WORKER_API__PROXY_PASSWORD"),
        ({"api": PROXY | {"proxy_ca_file": "c"}}, "WORKER_API__PROXY_CA_FILE: is for a proxy over TLS"),
        ({"kafka": {"oauth_token_file": "t"}}, "WORKER_KAFKA__OAUTH_TOKEN_FILE: is of use only with .*=OAUTHBEARER"),
        ({"kafka": {"sasl_mechanism": "OAUTHBEARER", **FILE}}, "WORKER_KAFKA__SECURITY_PROTOCOL: must be SASL_SSL"),
        ({"kafka": TOKEN}, "WORKER_KAFKA__OAUTH_TOKEN_URL or WORKER_KAFKA__OAUTH_TOKEN_FILE: one of them"),
        ({"kafka": TOKEN | URL | FILE}, "WORKER_KAFKA__OAUTH_TOKEN_URL or WORKER_KAFKA__OAUTH_TOKEN_FILE: one of them"),
        ({"kafka": TOKEN | URL}, "WORKER_KAFKA__OAUTH_CLIENT_ID: required with WORKER_KAFKA__OAUTH_TOKEN_URL"),
        (
            {"kafka": TOKEN | URL | {"oauth_client_id": "c"}},
            "WORKER_KAFKA__OAUTH_CLIENT_SECRET: required with WORKER_KAFKA__OAUTH_TOKEN_URL",
        ),
        ({"kafka": TOKEN | FILE | {"oauth_scope": "s"}}, "OAUTH_SCOPE: is of use only with .*OAUTH_TOKEN_URL"),
        ({"kafka": {"sasl_mechanism": "AWS_MSK_IAM"}}, "WORKER_KAFKA__SECURITY_PROTOCOL: must be SASL_SSL with .*MSK"),
        ({"kafka": TOKEN | FILE | {"aws_region": "eu-north-1"}}, "WORKER_KAFKA__AWS_REGION: is of use only with .*MSK"),
        ({"kafka": MSK | FILE}, "WORKER_KAFKA__OAUTH_TOKEN_FILE: is of use only with .*OAUTHBEARER"),
        ({"kafka": TOKEN | {"oauth_token_url": "https://u:p@login"}}, "OAUTH_TOKEN_URL|without a user in it"),
        (
            {"kafka": PLAIN | {"ca_file": "c"}},
            "KAFKA__CA_FILE: is of use only with .*SECURITY_PROTOCOL=SSL or SASL_SSL",
        ),
        ({"kafka": {"cert_file": "c"}}, "WORKER_KAFKA__CERT_FILE: is of use only with .*SECURITY_PROTOCOL=SSL or"),
        ({"kafka": {"key_file": "k"}}, "WORKER_KAFKA__KEY_FILE: is of use only with .*SECURITY_PROTOCOL=SSL or"),
        ({"kafka": {"username": "u"}}, "WORKER_KAFKA__USERNAME: is of use only with .*SECURITY_PROTOCOL=SASL_SSL or"),
        (
            {"kafka": {"security_protocol": "SSL", "password": "p"}},
            "KAFKA__PASSWORD: is of use only with .*=SASL_SSL or",
        ),
        (
            {"kafka": {"security_protocol": "SSL", "sasl_mechanism": "SCRAM-SHA-512"}},
            "KAFKA__SASL_MECHANISM: is of use only with WORKER_KAFKA__SECURITY_PROTOCOL=SASL_SSL or SASL_PLAINTEXT",
        ),
        (
            {"kafka": TOKEN | FILE | {"username": "u"}},
            "WORKER_KAFKA__USERNAME: is of use only with .*MECHANISM=PLAIN, ",
        ),
        ({"kafka": MSK | {"password": "p"}}, "WORKER_KAFKA__PASSWORD: is of use only with .*SASL_MECHANISM=PLAIN, "),
        (
            {"kafka": TOKEN | CLIENT | {"oauth_token_url": "http://l", "oauth_ca_file": "c"}},
            "OAUTH_CA_FILE: is for an end",
        ),
        ({"api": {"base_url": "http://crm", "ca_file": "c"}}, "WORKER_API__CA_FILE: is for an API over TLS"),
        ({"api": {"retry_statuses": "401,429"}}, "WORKER_API__RETRY_STATUSES: a 401 always means"),
        ({"api": {"unknown_statuses": "401"}}, "WORKER_API__UNKNOWN_STATUSES: a 401 always means"),
        ({"customer": {"catalog_refresh": 60}}, "CATALOG_REFRESH: is of use only with WORKER_CUSTOMER__CATALOG=live"),
        (
            {"customer": {"catalog": "c.toml", "catalog_refresh": 60}},
            "WORKER_CUSTOMER__CATALOG_REFRESH: is of use only",
        ),
        ({"reconcile": {"attribute": "a"}}, "WORKER_RECONCILE__BY: required with WORKER_RECONCILE__ATTRIBUTE"),
        (
            {"events": {"registry_url": "http://r", "registry_ca_file": "c"}},
            "REGISTRY_CA_FILE: is for a registry over TLS",
        ),
    ],
)
def test_settings_that_do_not_fit_together(given: dict[str, dict[str, object]], setting: str) -> None:
    """The error names the setting to change."""
    with pytest.raises(ValidationError, match=setting):
        Settings.model_validate(given)


@pytest.mark.parametrize("statuses", ["502,504", "[502, 504]", "502, 504"])
def test_statuses(statuses: str) -> None:
    """A list in any form in which people write one."""
    assert of_api.Api.model_validate({"unknown_statuses": statuses}).unknown_statuses == {502, 504}


@pytest.mark.parametrize(
    ("given", "unknown", "not_now", "with_wait"),
    [
        ({}, {500, 502, 504}, {408, 429, 503}, {503}),
        ({"retry_statuses": "429,500"}, {502, 504}, {429, 500}, set()),
        ({"retry_statuses": "429,503"}, {500, 502, 504}, {429, 503}, set()),
        ({"unknown_statuses": "500,503"}, {500, 503}, {408, 429}, set()),
        ({"unknown_statuses": "500"}, {500}, {408, 429, 503}, {503}),
        ({"unknown_statuses": "503", "retry_statuses": "500,502"}, {503}, {500, 502}, set()),
    ],
)
def test_a_status_that_is_named(given, unknown, not_now, with_wait) -> None:
    """It leaves the other's default; a 503 that is named needs no Retry-After to mean that."""
    api = of_api.Api.model_validate(given)
    assert (api.unknown, api.not_now, api.with_wait) == (unknown, not_now, with_wait)


@pytest.mark.parametrize("url", ["crm.example.com", "https://crm.example.com/system", "https://u@h", "ftp://h", ""])
def test_base_url_that_is_more_or_less_than_an_origin(url: str) -> None:
    """Scheme, host and port only; the context root is a setting of its own."""
    with pytest.raises(ValidationError, match="scheme, host and port"):
        of_api.Api.model_validate({"base_url": url})


@pytest.mark.parametrize("given", ["proxy:3128", "socks5://proxy:1080", "http://", "http://proxy/path", "Environment"])
def test_proxy_that_is_none(given: str) -> None:
    """Scheme, host and port, or the word."""
    with pytest.raises(ValidationError, match=r"scheme, host and port.*or environment"):
        of_api.Api.model_validate({"proxy": given})


WITH_A_PORT = {
    "kafka bootstrap_servers": "a.example:9092,b.example:{}",
    "kafka oauth_token_url": "https://login.example.com:{}/token",
    "api base_url": "https://crm.example.com:{}",
    "api proxy": "http://proxy.example.com:{}",
    "console workers": "a.example:8080,[::1]:{}",
    "console allowed_hosts": "console.example.com:{}",
    "console runbook": "https://wiki.example.com:{}/page",
    "events registry_url": "https://registry.example.com:{}/v7",
}


@pytest.mark.parametrize("setting", WITH_A_PORT)
def test_a_port_that_is_none(setting: str) -> None:
    """Nobody could ever connect to it."""
    group, name = setting.split()
    login = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
    login |= {"oauth_client_id": "a", "oauth_client_secret": "b"}
    beside = login if name == "oauth_token_url" else {}
    for port in (0, 65_536, 99_999):
        with pytest.raises(ValidationError, match=r"(?i)port\b"):
            Settings.model_validate({group: {name: WITH_A_PORT[setting].format(port), **beside}})
    for port in (1, 65_535):
        Settings.model_validate({group: {name: WITH_A_PORT[setting].format(port), **beside}})


@pytest.mark.parametrize("setting", WITH_A_PORT)
@pytest.mark.parametrize("host", ["a..example", "a" * 64, "a b"])
def test_a_host_that_is_none(setting: str, host: str) -> None:
    """No name server was ever asked for it: the libraries raise what nobody expects of them."""
    group, name = setting.split()
    given = re.sub(r"[a-z.]+\.example(\.com)?(?=:\{})|\[::1\]", host, WITH_A_PORT[setting]).format(80)
    with pytest.raises(ValidationError, match=r"no host has|match pattern"):
        Settings.model_validate({group: {name: given}})


def test_servers_in_several_lines() -> None:
    """As YAML has them."""
    given = {"kafka": {"bootstrap_servers": "a.example:9092,\nb.example:9092\n"}}
    assert Settings.model_validate(given).kafka.bootstrap_servers == "a.example:9092, b.example:9092"


@pytest.mark.parametrize("servers", ["kafka", "::1", "fe80::0", "[::1]", "[::1]:9092", "a:9092, b:9093", "a,b:1"])
def test_servers_with_and_without_a_port(servers: str) -> None:
    """In every form that the client takes."""
    assert Settings.model_validate({"kafka": {"bootstrap_servers": servers}}).kafka.bootstrap_servers == servers


def test_a_password_in_the_address_of_a_proxy() -> None:
    """An address is told; a password has a setting of its own, and is not repeated."""
    with pytest.raises(ValidationError, match="WORKER_API__PROXY_USERNAME and WORKER_API__PROXY_PASSWORD"):
        of_api.Api.model_validate({"proxy": "http://user:s3cret@proxy:3128"})


@pytest.mark.parametrize(("root", "kept"), [("/system/", "/system"), ("", ""), ("/", ""), ("/a/b", "/a/b")])
def test_context_root(root: str, kept: str) -> None:
    """It ends without a slash."""
    assert of_api.Api.model_validate({"context_root": root}).context_root == kept


@pytest.mark.parametrize("root", ["system", "/a b", "/a?b", "/a#b", "//a", "/a/../b", "/.", "/\u00e4", "/a\n"])
def test_a_context_root_that_is_no_path(root: str) -> None:
    """It stands in the first line of every request as it is."""
    with pytest.raises(ValidationError, match=r"must (start with|be)"):
        of_api.Api.model_validate({"context_root": root})


@pytest.mark.parametrize("topic", ["", "a b", "ä", "x" * 250])
def test_topic_name_that_kafka_refuses(topic: str) -> None:
    """It is refused before Kafka is asked."""
    with pytest.raises(ValidationError, match="requests"):
        settings.Topics.model_validate({"requests": topic})


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ("earliest", "earliest"),
        ("latest", "latest"),
        ("2026-11-27T08:00Z", 1_795_766_400_000),
        ("2026-11-27T10:00+02:00", 1_795_766_400_000),
    ],
)
def test_where_a_new_group_begins(given, start) -> None:
    """At an end of the log, or at a time."""
    assert wiring.start(Settings(kafka=of_kafka.Kafka(start=given))) == start


@pytest.mark.parametrize("given", ["", "Earliest", "yesterday", "2026-11-27T08:00", "1969-12-31T00:00Z"])
def test_where_no_group_can_begin(given) -> None:
    """A time without a zone would be another one on each machine."""
    with pytest.raises(ValidationError, match="earliest, latest, or a time with its zone"):
        of_kafka.Kafka(start=given)
