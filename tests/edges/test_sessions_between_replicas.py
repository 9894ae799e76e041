"""Several clients with one account, against the sandbox's limit of five sessions."""

from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from worker.customer_api import Access, Accounts, Credentials, customer_api
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import LoginRefused, SessionContention
from worker.model.outcomes import Succeeded
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, SandboxConfig, sandbox_api

INDIVIDUAL = Traits("individual")
CREDENTIALS = Credentials(DEFAULT_USER, DEFAULT_PASSWORD)
BODY = b'{"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": "Sally"}]}}'
COMMAND = CreateCustomer(Request("test", "1"), INDIVIDUAL, BODY)


@asynccontextmanager
async def replicas(count, *, force_login=True, credentials=CREDENTIALS, **config):
    async with sandbox_api(SandboxConfig(**config)) as sandbox, AsyncExitStack() as stack:
        access = Access(sandbox.base_url)
        apis = [
            await stack.enter_async_context(customer_api(access, credentials, force_login=force_login))
            for _ in range(count)
        ]
        yield apis, sandbox


async def test_five_replicas():
    """Five replicas keep their sessions."""
    async with replicas(5) as (apis, sandbox):
        for _ in range(10):
            assert {type(await api.create(COMMAND)) for api in apis} == {Succeeded}
        assert (sandbox.sessions.logins, sandbox.sessions.evicted) == (5, 0)


async def test_six_replicas():
    """Six replicas end each other's sessions: each raises contention after three early ends, and logs in no more."""
    async with replicas(6) as (apis, sandbox):
        contended: set[int] = set()
        for _ in range(20):
            for number in set(range(6)) - contended:
                try:
                    assert isinstance(await apis[number].create(COMMAND), Succeeded)
                except SessionContention:
                    contended.add(number)
        assert contended
        assert sandbox.sessions.logins <= 6 * 3


async def test_two_accounts():
    """Six replicas with two accounts keep their sessions."""
    async with sandbox_api(SandboxConfig(users={"a": "x", "b": "y"})) as sandbox, AsyncExitStack() as stack:
        access = Access(sandbox.base_url)
        accounts = [Credentials("a", "x"), Credentials("b", "y")] * 3
        apis = [await stack.enter_async_context(customer_api(access, account)) for account in accounts]
        for _ in range(5):
            assert {type(await api.create(COMMAND)) for api in apis} == {Succeeded}
        assert sandbox.sessions.logins == 6


async def test_accounts_without_numbers():
    """Ten replicas that all begin with the first of two accounts keep their sessions; an eleventh ends one."""
    async with sandbox_api(SandboxConfig(users={"a": "x", "b": "y"})) as sandbox, AsyncExitStack() as stack:
        access, found = Access(sandbox.base_url), [Credentials("a", "x"), Credentials("b", "y")]
        accounts = [Accounts(lambda: found, force=True) for _ in range(11)]
        apis = [await stack.enter_async_context(customer_api(access, each)) for each in accounts]
        for _ in range(3):
            assert {type(await api.create(COMMAND)) for api in apis[:10]} == {Succeeded}
        assert (sandbox.sessions.logins, sandbox.sessions.evicted) == (10, 0)
        assert isinstance(await apis[10].create(COMMAND), Succeeded)
        assert (sandbox.sessions.logins, sandbox.sessions.evicted) == (11, 1)


async def test_a_sixth_login_without_force():
    """Without force a sixth login is refused for the limit, and let in once a session was given back."""
    async with replicas(6, force_login=False) as (apis, sandbox):
        for api in apis[:5]:
            await api.log_in()
        with pytest.raises(SessionContention, match="five sessions"):
            await apis[5].log_in()
        await apis[0].log_out()
        await apis[5].log_in()
        assert (sandbox.sessions.logins, len(sandbox.sessions)) == (6, 5)


async def test_a_wrong_password_without_force():
    """A wrong password is not taken for contention."""
    async with replicas(1, force_login=False, credentials=Credentials(DEFAULT_USER, "wr0ng")) as ((api,), _):
        with pytest.raises(LoginRefused) as refusal:
            await api.log_in()
        assert type(refusal.value) is LoginRefused


async def test_a_password_that_is_changed():
    """The next login uses the password that the secret has by then."""
    secret = ["wr0ng"]
    async with replicas(1, credentials=lambda: Credentials(DEFAULT_USER, secret[0])) as ((api,), _):
        with pytest.raises(LoginRefused):
            await api.log_in()
        secret[0] = DEFAULT_PASSWORD
        assert isinstance(await api.create(COMMAND), Succeeded)


async def test_leaving():
    """Every session is given back."""
    async with replicas(3) as (apis, sandbox):
        for api in apis:
            await api.log_in()
        assert len(sandbox.sessions) == 3
        for api in apis:
            await api.log_out()
        assert len(sandbox.sessions) == 0
