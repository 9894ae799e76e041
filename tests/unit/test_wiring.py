"""From settings to the values that each part takes."""

import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from worker import wiring
from worker.creation.backoff import Backoff
from worker.creation.flood import Flood
from worker.creation.holds import Holds
from worker.customer_api import Access, Meaning
from worker.events.results import Results
from worker.journal.entries import Owner
from worker.journal.terms import Terms
from worker.kafka.membership import Membership
from worker.model.errors import SettingsError
from worker.settings.api import Account, Api
from worker.settings.settings import Events, Reconcile, Settings
from worker.topics import Cluster, Plan
from worker.wiring.customer_api import access

ACCOUNTS = tuple(Account(username=f"user-{number}", password=SecretStr(f"p{number}")) for number in range(3))


@pytest.mark.parametrize(
    ("hostname", "number"), [("customer-worker-2", 2), ("customer-worker-10", 10), ("laptop", 0), ("7", 0)]
)
def test_the_ordinal_of_a_replica(hostname, number):
    """The number at the end of a StatefulSet's host name."""
    assert wiring.ordinal(hostname) == number


def test_a_static_member_by_its_ordinal():
    """Each replica has a name of its own; without an ordinal two would throw each other out."""
    assert wiring.instance("crm-{ordinal}", "worker-12") == "crm-12"
    assert (wiring.instance("crm", "worker-12"), wiring.instance(None, "worker-12")) == ("crm", None)
    with pytest.raises(SettingsError, match="GROUP_INSTANCE_ID"):
        wiring.instance("crm-{ordinal}", "laptop")


@pytest.mark.parametrize(
    ("hostname", "user"),
    [
        ("worker-0", "user-0"),
        ("worker-2", "user-2"),
    ],
)
def test_a_replica_s_own_account(monkeypatch, hostname, user):
    """Each takes that of its ordinal, so that a fleet larger than five sessions works."""
    monkeypatch.setattr(socket, "gethostname", lambda: hostname)
    assert [each.username for each in wiring.credentials(Settings(api=Api(accounts=ACCOUNTS)))] == [user]


def test_a_replica_without_a_number(monkeypatch):
    """Any account may have room for it."""
    monkeypatch.setattr(socket, "gethostname", lambda: "3f2a9c1d77e0")
    assert len(wiring.credentials(Settings(api=Api(accounts=ACCOUNTS)))) == len(ACCOUNTS)


def test_more_replicas_than_accounts(monkeypatch):
    """The one too many says so."""
    monkeypatch.setattr(socket, "gethostname", lambda: "worker-3")
    with pytest.raises(SettingsError, match="WORKER_API__ACCOUNTS: has 3, and this is replica number 3"):
        wiring.credentials(Settings(api=Api(accounts=ACCOUNTS)))


def test_no_account():
    """Both settings are named."""
    with pytest.raises(SettingsError, match="WORKER_API__USERNAME and WORKER_API__PASSWORD"):
        wiring.credentials(Settings())


@pytest.mark.parametrize(("by", "with_wait"), [("none", set()), ("email", {503})])
async def test_what_answers_mean(by, with_wait):
    """A call that a proxy may have lost is a doubt where it can be looked up; an internal error is one anyway."""
    api = Api(username="u", password=SecretStr("p"), context_root="/crm")
    async with wiring.api(Settings(api=api, reconcile=Reconcile(by=by))) as client:
        assert client._meaning == Meaning(with_wait=frozenset(with_wait), own_path="/crm/ws/v12/")


@pytest.mark.parametrize(
    ("given", "by", "resends"),
    [
        ({}, "none", True),
        ({}, "email", False),
        ({"unknown_statuses": "500,503"}, "none", False),
        ({"retry_statuses": "503"}, "email", True),
    ],
)
def test_a_503_that_is_sent_again(given, by, resends):
    """Where it cannot be looked up, or where somebody says so; `check` warns of it."""
    assert wiring.resends_503(Settings(api=Api.model_validate(given), reconcile=Reconcile(by=by))) is resends


@pytest.mark.parametrize(("by", "of_others"), [("email", True), ("custom_attribute", False)])
async def test_a_look_up_that_may_find_somebody_else(by, of_others):
    """An e-mail address may be another customer's; the event's own mark is nobody else's."""
    account = Api(username="u", password=SecretStr("p"))
    given = Settings(api=account, reconcile=Reconcile(by=by, attribute="eventid"))
    async with wiring.api(given) as api:
        search = wiring.reconciliation(given, Holds(wiring.breaker(given)), api).search
    assert search is not None
    assert search.of_others is of_others


def test_a_registry_without_its_libraries(monkeypatch):
    """One line names the setting, the package and what brings it; without a registry nobody needs them."""
    monkeypatch.setattr("worker.wiring.schema_registry.EXTRA", ("orjson", "no_such.package"))
    assert wiring.registry(Settings()) is None
    with pytest.raises(SettingsError, match=r"REGISTRY_URL: needs the package no_such\.package.*\[registry\]"):
        wiring.registry(Settings(events=Events(registry_url="https://registry.example.com")))


async def test_schemas_without_a_registry():
    """There is nothing to wait for."""
    async with wiring.schemas(Settings(), Holds(wiring.breaker(Settings()))) as schemas:
        assert schemas is None


GIVEN = Settings.model_validate(
    {
        "kafka": {"group_id": "g", "session_timeout": 31, "rebalance_timeout": 99, "group_instance_id": "i"},
        "topics": {"requests": "in", "succeeded": "s", "failed": "f", "dead_letters": "d", "journal": "j"},
        "api": {
            "base_url": "https://crm",
            "context_root": "/c",
            "format": "xml",
            "accept_language": "de-DE",
            "connect_timeout": 3,
            "request_timeout": 20,
            "keepalive_timeout": 2,
            "pool_size": 5,
            "ca_file": "ca",
            "cert_file": "cert",
            "key_file": "key",
            "username": "u",
            "password": "p",
        },
        "retry": {"max_attempts": 7, "base_delay": 0.25, "max_delay": 11},
        "hold": {"after_failures": 3, "probe_delay": 2, "max_probe_delay": 21, "flood_ratio": 0.5, "flood_window": 12},
        "journal": {"window": 7200, "max_entries": 50, "intent_ttl": 4},
        "reconcile": {"by": "custom_attribute", "attribute": "a", "settle_delay": 6, "attempts": 2},
        "dead_letters": {"payload": "metadata_only"},
        "events": {"source": "src", "max_bytes": 99, "max_depth": 8},
    }
)
"""Each setting with a value that no other one has, and that is not its default."""


def test_where_settings_lead() -> None:
    """Each comes to the part that it is named for, in its place."""
    assert (wiring.retry(GIVEN).max_attempts, wiring.retry(GIVEN).backoff) == (7, Backoff(0.25, 11))
    assert (wiring.breaker(GIVEN).after_failures, wiring.breaker(GIVEN).backoff) == (3, Backoff(2, 21))
    assert wiring.flood(GIVEN) == Flood(0.5, 12)
    assert wiring.terms(GIVEN, Cluster(1, {})) == Terms(7200, 50, 4, renewal=1800)
    assert wiring.owner(GIVEN) == Owner("g", "in")
    assert wiring.plan(GIVEN) == Plan("in", "s", "f", "d", "j", window=7200)
    assert wiring.results(GIVEN) == Results("src", "s", "f", "d", "g", with_payload=False)
    assert wiring.membership(GIVEN) == Membership("in", "g", 31, 99, "i")
    files = Path("ca"), Path("cert"), Path("key")
    assert access(GIVEN) == Access("https://crm", "/c", "xml", "de-DE", 3, 20, 2, 5, *files)


def test_when_a_doubt_is_looked_up() -> None:
    """Once no POST of its intent can be on its way any more and the search shows what it made: all three together."""
    assert wiring.settle_time(GIVEN) == 4 + 20 + 6
    assert wiring.settle_time(Settings()) == 10 + 30 + 5
    api: Any = None  # nothing is asked of it
    search = wiring.reconciliation(GIVEN, Holds(wiring.breaker(GIVEN)), api).search
    assert search
    assert (search.settle, search.attempts, search.delay) == (30, 2, 6)
