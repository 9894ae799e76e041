"""The session, without a socket: who logs in, who waits, who is told what."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import cast

import pytest
from fakes import Clock

from worker.customer_api import Access, Credentials, CustomerApi
from worker.customer_api.accounts import Accounts
from worker.customer_api.answers import Meaning
from worker.customer_api.early_deaths import EarlyDeaths
from worker.customer_api.http import Answer, Http
from worker.customer_api.session import HEADER, Session
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import ApiUnavailable, LoginRefused, OutcomeUnknown, SessionContention, SettingsError
from worker.model.outcomes import Succeeded

CREDENTIALS = Credentials("user", "secret")
ACCESS = Access("http://crm")
MEANING = Meaning()
COMMAND = CreateCustomer(Request("s", "1"), Traits("individual"), b"{}")


@dataclass
class FakeHttp:
    """Every login makes another session; `refused` are those that no call is let through with."""

    refused: set[str] = field(default_factory=set)
    refusal: Answer = field(default_factory=lambda: Answer(401, {HEADER: "of nobody"}))
    login_answers: deque[Answer | Exception] = field(default_factory=deque)
    call_answers: deque[Answer] = field(default_factory=deque)
    logout_answers: deque[Answer | Exception] = field(default_factory=deque)
    logins: int = 0
    logged_out: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    asked: int = 0
    gate: asyncio.Event | None = None

    async def request(self, method, url, headers, body=None, *, before_sending=None, body_within=None):
        if before_sending:
            self.asked += 1
            before_sending()
        if self.gate:
            await self.gate.wait()
        await asyncio.sleep(0)
        if "login" in url.path:
            return self._logged_in(body)
        if method == "DELETE":
            self.logged_out.append(headers[HEADER])
            return _given(self.logout_answers.popleft() if self.logout_answers else Answer(204, {}))
        if headers[HEADER] in self.refused:
            return self.refusal
        return (
            self.call_answers.popleft() if self.call_answers else Answer(201, {"Location": "/interaction/customer/7"})
        )

    def _logged_in(self, body):
        self.logins += 1
        self.bodies.append(body)
        return _given(self.login_answers.popleft() if self.login_answers else Answer(204, {HEADER: f"s{self.logins}"}))


def _given(answer):
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def http():
    return FakeHttp()


@pytest.fixture
def clock():
    return Clock()


def sessions(http, clock=None, *, force_login=True, credentials=lambda: CREDENTIALS):
    deaths = EarlyDeaths(clock or Clock())
    accounts = Accounts(lambda: (credentials(),), force_login)
    return Session(cast("Http", http), ACCESS, accounts, deaths=deaths)


@pytest.fixture
def session(http, clock):
    return sessions(http, clock)


@pytest.fixture
def api(http, session):
    return CustomerApi(cast("Http", http), ACCESS, session, MEANING)


async def test_many_calls_without_a_session(http, session):
    """One login serves them all."""
    assert set(await asyncio.gather(*[session.current() for _ in range(500)])) == {"s1"}
    assert http.logins == 1


async def test_many_calls_refused_with_the_same_session(http, session):
    """One login serves them all, and who comes late with the old session gets the new one without another."""
    await session.current()
    assert set(await asyncio.gather(*[session.renew("s1") for _ in range(500)])) == {"s2"}
    assert await session.renew("s1") == "s2"
    assert http.logins == 2


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
async def test_a_refused_login(http, session, status):
    """All who waited for it are told the same, and it was called once; who asks later calls again."""
    http.login_answers.append(Answer(status, {}))
    results = await asyncio.gather(*[session.current() for _ in range(500)], return_exceptions=True)
    assert {type(result) for result in results} == {LoginRefused}
    assert str(status) in str(results[0])
    assert http.logins == 1
    assert await session.current() == "s2"


@pytest.mark.parametrize(
    "answer",
    [Answer(408, {}), Answer(429, {}), Answer(500, {}), Answer(503, {}), OutcomeUnknown("x"), ApiUnavailable()],
)
async def test_a_login_that_cannot_be_answered_now(http, session, answer):
    """The API is not there; that says nothing of the credentials."""
    http.login_answers.append(answer)
    with pytest.raises(ApiUnavailable):
        await session.current()


@pytest.mark.parametrize("given", [{}, *({HEADER: given} for given in ("", "s\x01", "s\x7f", "s\n", "s\udcff"))])
async def test_a_login_without_a_session_id(http, session, given):
    """It was accepted and is of no use: an answer may hold what no request can."""
    http.login_answers.append(Answer(204, given))
    with pytest.raises(LoginRefused, match="without a session id"):
        await session.current()
    assert await session.current() == "s2"


@pytest.mark.parametrize(
    ("force_login", "status", "error"),
    [
        (True, 403, LoginRefused),
        (False, 403, SessionContention),
        (False, 401, LoginRefused),
        (False, 404, LoginRefused),
    ],
)
async def test_a_login_refused_by_the_limit(http, force_login, status, error):
    """Only a 403 without `forceLogin` may be the limit, and the message names both readings."""
    http.login_answers.append(Answer(status, {}))
    with pytest.raises(LoginRefused) as refusal:
        await sessions(http, force_login=force_login).current()
    assert type(refusal.value) is error
    assert ("five sessions" in str(refusal.value)) == (error is SessionContention)


async def test_a_waiting_call_that_is_cancelled(http, session):
    """Takes the login from nobody else."""
    http.gate = asyncio.Event()
    first, second = asyncio.ensure_future(session.current()), asyncio.ensure_future(session.current())
    await asyncio.sleep(0)
    first.cancel()
    http.gate.set()
    assert await second == "s1"
    assert (first.cancelled(), http.logins) == (True, 1)


async def test_credentials_that_change(http):
    """They are read anew at each login."""
    passwords = iter(["old", "new"])
    session = sessions(http, credentials=lambda: Credentials("user", next(passwords)))
    await session.current()
    await session.renew("s1")
    assert [b"old" in http.bodies[0], b"new" in http.bodies[1]] == [True, True]


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "No such file"), SettingsError("WORKER_API__PASSWORD: required")]
)
async def test_credentials_that_cannot_be_read(http, error):
    """A login is not even tried; it is a refusal, which can end, and no crash."""

    def unreadable():
        raise error

    with pytest.raises(LoginRefused, match="cannot be read"):
        await sessions(http, credentials=unreadable).current()
    assert http.logins == 0


async def test_a_session_that_is_refused(http, api):
    """One renewal, one more try; before each of the two POSTs the last look is asked, and for no login."""
    http.refused.add("s1")
    looks = []
    assert isinstance(await api.create(COMMAND, lambda: looks.append(http.logins)), Succeeded)
    assert looks == [1, 2]
    assert http.asked == 2


TO_A_LOGIN_PAGE = Answer(302, {"Location": "/system/web/apps/login", HEADER: "of nobody"})


@pytest.mark.parametrize("refusal", [Answer(401, {HEADER: "of nobody"}), TO_A_LOGIN_PAGE])
async def test_a_refusal_that_carries_a_session_id(http, api, session, refusal):
    """Its id is not adopted: it would stand in the way of the login that helps."""
    http.refusal = refusal
    http.refused.add("s1")
    await api.create(COMMAND)
    assert await session.current() == "s2"


@pytest.mark.parametrize("call", ["create", "search", "list"])
async def test_a_session_that_ends_in_a_login_page(http, api, call):
    """As by a 401: one renewal, one more try, whatever the call."""
    http.refusal = TO_A_LOGIN_PAGE
    http.refused.add("s1")
    if call != "create":
        http.call_answers.append(Answer(204, {}))
    calls = {
        "create": lambda: api.create(COMMAND),
        "search": lambda: api.find_by_email("a@b"),
        "list": lambda: api.attributes("level"),
    }
    assert await calls[call]() in ([], b"", Succeeded("7", "/interaction/customer/7", "individual", 0))
    assert http.logins == 2


@pytest.mark.parametrize("refusal", [Answer(401, {}), TO_A_LOGIN_PAGE])
async def test_a_second_refusal_right_after_a_good_login(http, api, refusal):
    """It is a refusal of the login, however often it comes, and each try costs the logins of one try."""
    http.refusal = refusal
    http.refused.update(f"s{number}" for number in range(20))
    for _ in range(5):
        with pytest.raises(LoginRefused, match=f"right after a good login: {refusal.status}") as raised:
            await api.create(COMMAND)
        assert type(raised.value) is LoginRefused
    assert http.logins == 10


async def test_a_session_id_that_changes(http, api, session):
    """It is adopted; an answer to a call with an older one changes nothing."""
    http.call_answers.append(Answer(503, {HEADER: "s1b"}))
    with pytest.raises(Exception, match="503"):
        await api.create(COMMAND)
    assert await session.current() == "s1b"
    session.accepted("s1", "s1c")
    assert await session.current() == "s1b"
    assert await session.renew("s1") == "s1b"
    assert http.logins == 1


@pytest.mark.parametrize("given", [{}, {HEADER: ""}, {HEADER: "s\x01"}, {HEADER: "s\udcff"}])
async def test_an_answer_without_a_session_id(http, api, session, given):
    """The session stays what it is, also where what was given could never be sent."""
    http.call_answers.append(Answer(201, {"Location": "/interaction/customer/7", **given}))
    await api.create(COMMAND)
    assert await session.current() == "s1"


async def live_and_die(api, http, clock, seconds):
    """A call that goes through, and one, so much later, that is refused and made again."""
    await api.create(COMMAND)
    clock.now += seconds
    http.refused.add(f"s{http.logins}")
    return await api.create(COMMAND)


async def test_sessions_that_keep_dying_young(http, api, clock):
    """The third is not renewed: everybody refused with it is told so, and nobody logs in for that."""
    for _ in range(2):
        assert isinstance(await live_and_die(api, http, clock, 1), Succeeded)
    await api.create(COMMAND)
    http.refused.add("s3")
    http.gate = asyncio.Event()
    calls = [asyncio.ensure_future(api.create(COMMAND)) for _ in range(100)]
    await asyncio.sleep(0)
    http.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {SessionContention}
    assert http.logins == 3


async def test_after_contention(http, api, clock):
    """Who asks again logs in; another early death is contention at once, a long life ends it."""
    for _ in range(2):
        await live_and_die(api, http, clock, 1)
    with pytest.raises(SessionContention, match="five sessions"):
        await live_and_die(api, http, clock, 1)
    with pytest.raises(SessionContention):
        await live_and_die(api, http, clock, 1)
    assert isinstance(await live_and_die(api, http, clock, 3600), Succeeded)
    assert isinstance(await live_and_die(api, http, clock, 1), Succeeded)


async def test_sessions_that_live_long(http, api, clock):
    """However many end, each is renewed."""
    for _ in range(10):
        assert isinstance(await live_and_die(api, http, clock, 60), Succeeded)
    assert http.logins == 11


async def test_many_who_want_another_session(http, api, session):
    """One login serves them all; the session before is given back, and a call that is refused with it is made again."""
    await api.create(COMMAND)
    http.refused.add("s1")
    await asyncio.gather(*[api.log_in_anew() for _ in range(100)], api.create(COMMAND))
    assert await session.current() == "s2"
    assert (http.logins, http.logged_out, session.renewals) == (2, ["s1"], 1)


async def test_another_session_where_there_is_none(http, session):
    """It is a login, or the one that is under way."""
    await asyncio.gather(session.current(), session.anew())
    assert (http.logins, http.logged_out) == (1, [])
    await session.log_out()
    assert await session.anew() == "s2"


@pytest.mark.parametrize("answer", [Answer(401, {}), Answer(503, {}), OutcomeUnknown("reset"), ApiUnavailable("down")])
async def test_another_session_where_the_old_one_cannot_be_ended(http, session, answer):
    """It was over already, or nobody knows: the login is what counts."""
    await session.current()
    http.logout_answers.append(answer)
    assert await session.anew() == "s2"


async def test_another_session_that_is_refused(http, session):
    """Whoever wanted it is told; the old one is not used again."""
    await session.current()
    http.login_answers.append(Answer(403, {}))
    with pytest.raises(LoginRefused):
        await session.anew()
    assert await session.current() == "s3"


async def test_logging_out(http, session):
    """Ends the session there is, once; without one nothing is called."""
    await session.log_out()
    await session.current()
    await session.log_out()
    await session.log_out()
    assert http.logged_out == ["s1"]


async def test_logging_out_while_logging_in(http, session):
    """The session that is being made is ended too: it would be nobody's."""
    http.gate = asyncio.Event()
    waiting = asyncio.ensure_future(session.current())
    await asyncio.sleep(0)
    leaving = asyncio.ensure_future(session.log_out())
    await asyncio.sleep(0)
    http.gate.set()
    await asyncio.gather(waiting, leaving)
    assert http.logged_out == ["s1"]


async def test_logging_out_while_a_login_fails(http, session):
    """There is nothing to end, and nobody is told off."""
    http.gate = asyncio.Event()
    http.login_answers.append(Answer(401, {}))
    waiting = asyncio.ensure_future(session.current())
    await asyncio.sleep(0)
    leaving = asyncio.ensure_future(session.log_out())
    await asyncio.sleep(0)
    http.gate.set()
    with pytest.raises(LoginRefused):
        await waiting
    await leaving
    assert http.logged_out == []


def test_credentials_keep_quiet():
    """Neither name nor password is in their text."""
    assert repr(CREDENTIALS) == "Credentials(...)"


def test_the_path_of_a_customer(api):
    """As the API's own `Location`."""
    assert api.location("2801") == "/system/ws/v12/interaction/customer/2801"
