"""Looking up customers in the sandbox, and at servers that misbehave."""

import asyncio
from contextlib import asynccontextmanager

import orjson
import pytest
from misbehaving import answering, giving_up_early, holding_on, logged_in, misbehaving, saying
from patience import PATIENCE

from worker.customer_api import Access, Credentials, customer_api
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import ApiUnavailable, LoginRefused, SearchRefused
from worker.model.outcomes import Succeeded
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, Fault, SandboxConfig, sandbox_api

INDIVIDUAL = Traits("individual")
CREDENTIALS = Credentials(DEFAULT_USER, DEFAULT_PASSWORD)
EVENT = "6f1c1c1e-6d0f-5f5e-8a55-0d4f1f9f7a11"
ADDRESS = "o'neil+crm&x=1%41@example.com"


def command(*, event=EVENT, email=ADDRESS):
    point = {"type": {"value": "email", "email": {"emailAddress": email}}}
    person = {"firstName": "Sally", "contactPoints": {"contactPoint": [point]}}
    attribute = {"attribName": "externalid", "attribValues": {"attribValue": [{"value": event}]}}
    body = {
        "type": {"value": "individual"},
        "customAttributes": {"customAttribute": [attribute]},
        "contactPersons": {"contactPerson": [person]},
    }
    return CreateCustomer(Request("test", event), INDIVIDUAL, orjson.dumps(body))


@asynccontextmanager
async def running(*faults, **config):
    async with sandbox_api(
        SandboxConfig(**config), faults=[Fault.model_validate(fault) for fault in faults]
    ) as sandbox:
        access = Access(sandbox.base_url, connect_timeout=PATIENCE, request_timeout=PATIENCE)
        async with customer_api(access, CREDENTIALS) as api:
            yield api, sandbox


@pytest.mark.parametrize("format_", ["json", "xml"])
async def test_a_customer_that_exists(format_):
    """A customer is found by attribute and by address, in both formats, with any characters in them."""
    async with running() as (api, sandbox):
        created = await api.create(command())
        assert isinstance(created, Succeeded)
        async with customer_api(Access(sandbox.base_url, format=format_), CREDENTIALS) as other:
            assert await other.find_by_attribute("externalid", EVENT) == [created.customer_id]
            assert await other.find_by_email(ADDRESS) == [created.customer_id]


async def test_a_customer_that_does_not_exist():
    """A search matches exactly, or finds nobody."""
    async with running() as (api, _):
        await api.create(command())
        assert await api.find_by_attribute("externalid", EVENT[:-1]) == []
        assert await api.find_by_attribute("preferredlang", EVENT) == []
        assert await api.find_by_email(ADDRESS.upper()) == []


async def test_several_customers():
    """All customers that match are returned."""
    async with running(unique_emails=False) as (api, _):
        created = [await api.create(command()) for _ in range(3)]
        ids = [outcome.customer_id for outcome in created if isinstance(outcome, Succeeded)]
        assert await api.find_by_attribute("externalid", EVENT) == ids
        assert await api.find_by_email(ADDRESS) == ids


async def test_a_customer_that_cannot_be_seen_yet():
    """A customer is found once the API makes it visible."""
    async with running(visibility_lag=0.2) as (api, _):
        await api.create(command())
        assert await api.find_by_attribute("externalid", EVENT) == []
        async with asyncio.timeout(PATIENCE):
            while not await api.find_by_attribute("externalid", EVENT):
                await asyncio.sleep(0.02)


async def test_a_user_who_may_not_search():
    """A user without the permission gets an error that names it; once granted, the search works in the same session."""
    async with running(may_search=False) as (api, sandbox):
        with pytest.raises(SearchRefused, match="View Agent Console"):
            await api.find_by_email(ADDRESS)
        sandbox.state.may_search = True
        assert await api.find_by_email(ADDRESS) == []
        assert sandbox.sessions.logins == 1


async def test_a_session_that_expired():
    """An expired session is renewed once."""
    async with running() as (api, sandbox):
        assert await api.find_by_email(ADDRESS) == []
        sandbox.sessions.expire()
        assert await api.find_by_email(ADDRESS) == []
        assert sandbox.sessions.logins == 2


async def test_sessions_that_are_never_good():
    """A session that is refused right after the login is an error of the login."""
    async with running({"kind": "status", "status": 401, "call": "search"}) as (api, sandbox):
        with pytest.raises(LoginRefused, match="right after a good login"):
            await api.find_by_email(ADDRESS)
        assert sandbox.sessions.logins == 2


@pytest.mark.parametrize(
    "behaviour",
    [
        saying(),
        saying(b"HTTP/1.1 2"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Le"),
        saying(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"customer": [{"id": "2801"}]}'),
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        holding_on(),
        holding_on(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        saying(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_an_answer_that_does_not_come(behaviour):
    """Where no whole answer comes the API is unavailable; asking again works; no message has the address."""
    # aiohttp itself repeats a GET once when its connection ends without an answer.
    async with logged_in(behaviour, behaviour, pool_size=1) as (api, server):
        with giving_up_early(api, answer=0.8), pytest.raises(ApiUnavailable) as error:
            await api.find_by_email("sally@example.com")
        assert "sally" not in str(error.value)
        server.script.clear()
        assert await api.find_by_email("sally@example.com") == []


async def test_an_answer_that_cannot_be_read():
    """An answer that cannot be read is no result, but an error."""
    for body in (b"<html>Log in</html>", b"\x1f\x8b\x08"):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        async with misbehaving() as server, customer_api(Access(server.url), CREDENTIALS) as api:
            await api.log_in()
            server.script.append(answering(head + body))
            with pytest.raises(SearchRefused):
                await api.find_by_email(ADDRESS)


async def test_what_is_asked():
    """The request has one criterion, escaped, and nothing else."""
    async with misbehaving() as server, customer_api(Access(server.url), CREDENTIALS) as api:
        await api.find_by_email("a+b@example.com")
        path = "/system/ws/v12/interaction/customer"
        assert server.requests[-1] == f"GET {path}?email=a%2Bb%40example.com HTTP/1.1"
