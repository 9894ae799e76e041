"""From settings to the values that each part takes."""

import socket

import pytest
from pydantic import SecretStr

from worker import wiring
from worker.errors import SettingsError
from worker.hold import Holds
from worker.settings import Account, Api, Reconcile, Settings

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


@pytest.mark.parametrize(("hostname", "user"), [("worker-0", "user-0"), ("worker-2", "user-2"), ("laptop", "user-0")])
def test_a_replica_s_own_account(monkeypatch, hostname, user):
    """Each takes that of its ordinal, so that a fleet larger than five sessions works."""
    monkeypatch.setattr(socket, "gethostname", lambda: hostname)
    assert wiring.credentials(Settings(api=Api(accounts=ACCOUNTS))).username == user


def test_more_replicas_than_accounts(monkeypatch):
    """The one too many says so."""
    monkeypatch.setattr(socket, "gethostname", lambda: "worker-3")
    with pytest.raises(SettingsError, match="WORKER_API__ACCOUNTS: has 3, and this is replica number 3"):
        wiring.credentials(Settings(api=Api(accounts=ACCOUNTS)))


def test_no_account():
    """Both settings are named."""
    with pytest.raises(SettingsError, match="WORKER_API__USERNAME and WORKER_API__PASSWORD"):
        wiring.credentials(Settings())


async def test_an_internal_error_where_a_look_up_is_configured():
    """It may have come after the customer was stored, so that it is looked up and not sent again."""
    plain = Settings(api=Api(username="u", password=SecretStr("p")))
    asking = plain.model_copy(update={"reconcile": Reconcile(by="email")})
    async with wiring.api(plain) as api, wiring.api(asking) as careful:
        assert 500 in api._meaning.retry_statuses
        assert 500 in careful._meaning.unknown_statuses
        assert 500 not in careful._meaning.retry_statuses


@pytest.mark.parametrize(("by", "of_others"), [("email", True), ("custom_attribute", False)])
async def test_a_look_up_that_may_find_somebody_else(by, of_others):
    """An e-mail address may be another customer's; the event's own mark is nobody else's."""
    account = Api(username="u", password=SecretStr("p"))
    given = Settings(api=account, reconcile=Reconcile(by=by, attribute="eventid"))
    async with wiring.api(given) as api:
        search = wiring.reconciliation(given, Holds(wiring.breaker(given)), api).search
    assert search is not None
    assert search.of_others is of_others
