"""What others build on: names and defaults that are not changed by changing the code and the pages written from it."""

import pytest
from builders import commands_of
from generated import _shown as shown
from typer.main import get_group

from worker.cli import app
from worker.creation.holds import HoldReason
from worker.model.outcomes import ReasonCode
from worker.settings.settings import Settings
from worker.topics import Plan

SETTINGS = {
    "KAFKA": "BOOTSTRAP_SERVERS=127.0.0.1:9092 GROUP_ID=customer-worker CLIENT_ID=customer-worker SESSION_TIMEOUT=45 "
    "REBALANCE_TIMEOUT= SECURITY_PROTOCOL=PLAINTEXT SASL_MECHANISM=PLAIN USERNAME= PASSWORD= CA_FILE= CERT_FILE= "
    "KEY_FILE= GROUP_INSTANCE_ID= START=earliest OAUTH_TOKEN_URL= OAUTH_CLIENT_ID= OAUTH_CLIENT_SECRET= OAUTH_SCOPE= "
    "OAUTH_TOKEN_FILE=",
    "TOPICS": "REQUESTS=customer.create.requests SUCCEEDED=customer.create.succeeded FAILED=customer.create.failed "
    "DEAD_LETTERS=customer.create.dead-letters JOURNAL=customer.create.journal PARTITIONS=6 REPLICATION_FACTOR=",
    "API": "CONTEXT_ROOT=/system FORMAT=json ACCEPT_LANGUAGE=en-US USERNAME= PASSWORD= ACCOUNTS= FORCE_LOGIN=true "
    "CONNECT_TIMEOUT=5 REQUEST_TIMEOUT=30 KEEPALIVE_TIMEOUT=4 POOL_SIZE= CA_FILE= CERT_FILE= KEY_FILE= PROXY= "
    "PROXY_USERNAME= PROXY_PASSWORD= PROXY_CA_FILE=",
    "CUSTOMER": "DEPARTMENTALIZATION=false CATALOG=",
    "DISPATCH": "MAX_IN_FLIGHT=64 ADAPTIVE=false MAX_RATE= MAX_UNCOMMITTED=10000 DRAIN_TIMEOUT=40",
    "RETRY": "MAX_ATTEMPTS=5 BASE_DELAY=0.5 MAX_DELAY=30",
    "JOURNAL": "ENABLED=true WINDOW=86400 MAX_ENTRIES=200000 INTENT_TTL=10",
    "RECONCILE": "BY=none ATTRIBUTE= SETTLE_DELAY=5 ATTEMPTS=3",
    "HOLD": "AFTER_FAILURES=10 PROBE_DELAY=1 MAX_PROBE_DELAY=30 FLOOD_RATIO=0.9 FLOOD_WINDOW=100",
    "DEAD_LETTERS": "PAYLOAD=full MAX_REPLAYS=3",
    "EVENTS": "MAX_BYTES=1048576 MAX_DEPTH=32 MAPPING= REGISTRY_URL= REGISTRY_USERNAME= REGISTRY_PASSWORD= "
    "REGISTRY_TOKEN= REGISTRY_CA_FILE=",
    "CONSOLE": "HOST=127.0.0.1 PORT=8081 PREFIX= ALLOWED_HOSTS= TOKEN= PROXY_USER_HEADER= TRUSTED_PROXIES= RIGHTS=view",
    "OPS": "HOST=127.0.0.1 PORT=8080",
    "LOG": "LEVEL=info FORMAT=",
}
"""By group, as variables; there may be more."""


@pytest.mark.parametrize("group", SETTINGS)
def test_settings(group: str) -> None:
    """Each is there under its name, and unset it means what it always did."""
    defaults = getattr(Settings(), group.lower()).model_copy()
    told = {name.upper(): shown(getattr(defaults, name)) for name in type(defaults).model_fields}
    promised = dict(each.split("=") for each in SETTINGS[group].split())
    assert {name: told.get(name) for name in promised} == promised


def test_what_answers_mean_unset() -> None:
    """The sets of statuses."""
    api = Settings().api
    assert (sorted(api.unknown_statuses), sorted(api.retry_statuses)) == ([500, 502, 504], [408, 429, 503])


def test_topics() -> None:
    """Whoever uses no settings meets the same ones, in the same order."""
    names = "requests succeeded failed dead-letters journal"
    assert [name for _, name in Plan().names()] == [f"customer.create.{each}" for each in names.split()]


def test_commands() -> None:
    """With those within them."""
    named = "run demo check topics validate schema produce dead-letters journal offsets verify rehearse console sandbox"
    within = {
        "topics": "create grow",
        "schema": "customer events asyncapi",
        "dead-letters": "list show replay resolve",
        "journal": "show unknown adopt",
        "offsets": "set",
    }
    assert {*named.split(), "kafka"} <= commands_of(app)
    groups = get_group(app).commands
    for name, commands in within.items():
        assert set(commands.split()) <= set(getattr(groups[name], "commands", {}))


def test_reasons() -> None:
    """Of a failure, and of a hold: alerts, replays and dashboards of others name them."""
    failures = (
        "undecodable unsupported_event invalid_customer rejected forbidden refused retries_exhausted outcome_unknown"
    )
    holds = (
        "api_unavailable session_refused session_contention rejection_flood kafka_unavailable "
        "schema_registry_unavailable journal_restoring journal_shared offsets_lost stopping"
    )
    assert {code.value for code in ReasonCode} == set(failures.split())
    assert set(holds.split()) <= {reason.value for reason in HoldReason}
