"""From settings to the values that each part takes."""

import socket

import pytest
from pydantic import SecretStr

from worker import wiring
from worker.creation.holds import Holds
from worker.customer_api import Meaning
from worker.model.errors import SettingsError
from worker.settings.api import Account, Api
from worker.settings.settings import Events, Reconcile, Settings

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
