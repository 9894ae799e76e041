"""The client of the API against the sandbox over HTTP; faults of sockets are in `test_sent_or_not`."""

import asyncio
from contextlib import asynccontextmanager

import orjson
import pytest
from misbehaving import giving_up_early
from patience import PATIENCE

from worker.customer_api import Access, Credentials, customer_api
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import ApiUnavailable, CreatedIdUnknown, LoginRefused, OutcomeUnknown, RefusedForNow
from worker.model.outcomes import Failed, Succeeded
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, Fault, SandboxConfig, sandbox_api

CREDENTIALS = Credentials(DEFAULT_USER, DEFAULT_PASSWORD)
INDIVIDUAL = Traits("individual")


def command(name="Jack", **request):
    body = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": name}]}}
    return CreateCustomer(Request("test", name, **request), INDIVIDUAL, orjson.dumps(body))


@asynccontextmanager
async def running(*faults, credentials=CREDENTIALS, force_login=True, **config):
    async with sandbox_api(
        SandboxConfig(**config), faults=[Fault.model_validate(fault) for fault in faults]
    ) as sandbox:
        access = Access(sandbox.base_url, connect_timeout=PATIENCE, request_timeout=PATIENCE, pool_size=600)
        async with customer_api(access, credentials, force_login=force_login) as api:
            yield api, sandbox


async def test_a_customer_is_created():
    """The customer's id and path come from `Location`."""
    async with running() as (api, sandbox):
        assert await api.create(command()) == Succeeded(
            "2801", "/system/ws/v12/interaction/customer/2801", "individual", 0
        )
        await api.log_out()
        assert sandbox.state.summary()["executions"] == 1


async def test_a_rejected_customer():
    """A rejection has the API's code, and nothing of its text."""
    async with running() as (api, _):
        outcome = await api.create(command("x" * 200))
        assert isinstance(outcome, Failed)
        assert outcome.reason.code == "rejected"
        assert outcome.reason.http is not None
        assert (outcome.reason.http.status, (outcome.reason.http.error_code or "")[:4]) == (400, "400-")


async def test_a_session_that_expired():
    """A session that expired: one new login, one more try, one execution."""
    async with running({"kind": "expire_session", "times": 1}) as (api, sandbox):
        assert isinstance(await api.create(command()), Succeeded)
        assert (sandbox.sessions.logins, sandbox.state.summary()["executions"]) == (2, 1)


async def test_five_hundred_calls_meet_an_expired_session():
    """500 calls meet an expired session: exactly one new login is made for all."""
    async with running() as (api, sandbox):
        await api.log_in()
        sandbox.sessions.expire()
        outcomes = await asyncio.gather(*[api.create(command(f"n{number}")) for number in range(500)])
        assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
        assert (sandbox.sessions.logins, sandbox.state.summary()["executions"]) == (2, 500)


async def test_a_session_that_is_refused_right_after_a_good_login():
    """A new session that is refused at once is an error, and no endless loop."""
    async with running({"kind": "status", "status": 401}) as (api, sandbox):
        with pytest.raises(LoginRefused, match="right after a good login"):
            await api.create(command())
        assert sandbox.sessions.logins == 2


async def test_a_wrong_password():
    """A wrong password: one login for all that wait; the error names the settings, not the password."""
    async with running(credentials=Credentials(DEFAULT_USER, "wr0ng")) as (api, sandbox):
        results = await asyncio.gather(*[api.log_in() for _ in range(20)], return_exceptions=True)
        assert {type(result) for result in results} == {LoginRefused}
        assert "WORKER_API__USERNAME" in str(results[0])
        assert "wr0ng" not in str(results[0])
        assert sandbox.state.summary()["logins"] == 0


async def test_a_session_id_that_changes():
    """A session id that the API changes in an answer is used from then on."""
    async with running(rotate_after=2) as (api, sandbox):
        for number in range(10):
            assert isinstance(await api.create(command(f"n{number}")), Succeeded)
        assert sandbox.sessions.logins == 1


@pytest.mark.parametrize(
    ("fault", "error", "executions"),
    [
        ({"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}, RefusedForNow, 0),
        ({"kind": "status", "status": 500, "body": "huge"}, OutcomeUnknown, 0),
        ({"kind": "status", "status": 303, "headers": {"Location": "/elsewhere"}}, OutcomeUnknown, 0),
        ({"kind": "status_after", "status": 502, "body": "html"}, OutcomeUnknown, 1),
        ({"kind": "reply_lost"}, OutcomeUnknown, 1),
        ({"kind": "hang"}, OutcomeUnknown, 0),
        ({"kind": "reset"}, OutcomeUnknown, 0),
        ({"kind": "location_missing"}, CreatedIdUnknown, 1),
        ({"kind": "location_garbage"}, CreatedIdUnknown, 1),
    ],
)
async def test_a_fault_of_the_api(fault, error, executions):
    """Each fault gives the error that is true for it; the next call succeeds."""
    early = {"answer": 0.5} if fault["kind"] == "hang" else {}
    async with running({**fault, "times": 1}) as (api, sandbox):
        await api.log_in()
        with giving_up_early(api, **early), pytest.raises(error):
            await api.create(command())
        assert sandbox.state.summary()["executions"] == executions
        assert isinstance(await api.create(command("Next")), Succeeded)


@pytest.mark.parametrize("status", [503, 429, 500])
async def test_an_api_that_answers_nobody(status):
    """`answer` finds out whether the API answers: 503, 429 and 500 mean that it does not."""
    async with running({"kind": "status", "status": status, "call": "search"}) as (api, _), running() as (good, _):
        await good.answer()
        with pytest.raises(ApiUnavailable):
            await api.answer()


async def test_sessions_that_end_in_a_login_page():
    """A redirect to a login page: one new login for all calls, nothing executed twice; if it stays so, an error."""
    async with running({"kind": "login_page", "times": 1}) as (api, sandbox):
        outcomes = await asyncio.gather(*[api.create(command(f"n{number}")) for number in range(100)])
        assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
        assert (sandbox.sessions.logins, sandbox.state.summary()["executions"]) == (2, 100)
    async with running({"kind": "login_page"}) as (api, sandbox):
        with pytest.raises(LoginRefused, match="302"):
            await api.create(command())
        assert (sandbox.sessions.logins, sandbox.state.summary()["executions"]) == (2, 0)


async def test_another_session():
    """A login anew gives the old session back; many at once share one login."""
    async with running() as (api, sandbox):
        await api.create(command())
        await asyncio.gather(*[api.log_in_anew() for _ in range(20)])
        assert (sandbox.sessions.logins, len(sandbox.sessions)) == (2, 1)
        assert isinstance(await api.create(command("Next")), Succeeded)


async def test_big_heads():
    """Big heads of the answers to login, creation and search are read."""
    faults = [{"kind": "big_head", "call": call} for call in ("login", "create", "search")]
    async with running(*faults) as (api, sandbox):
        assert isinstance(await api.create(command()), Succeeded)
        assert await api.find_by_email("nobody@example.com") == []
        assert sandbox.sessions.logins == 1


async def test_a_redirect_is_not_followed():
    """A redirect is not followed: as a GET it would seem to succeed."""
    fault = {"kind": "status", "status": 302, "headers": {"Location": "/system/ws/v12/elsewhere"}}
    async with running(fault) as (api, _):
        outcome = await api.create(command())
        assert isinstance(outcome, Failed)
        assert outcome.reason.code == "refused"


async def test_the_trace_is_passed_on():
    """The API call carries the event's trace, which the sandbox uses as its identity."""
    async with running() as (api, sandbox):
        await api.create(command(traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
        (entry,) = sandbox.ledger.entries()
        assert entry.identity == "a" * 32


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:9"])
async def test_an_api_that_is_not_there(url):
    """An API that cannot be reached: the error says so."""
    async with customer_api(Access(url, connect_timeout=2), CREDENTIALS) as api:
        with pytest.raises(ApiUnavailable, match="cannot reach"):
            await api.log_in()
