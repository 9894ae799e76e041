"""The one session of this process: log in on first need, renew on refusal, log out (docs: design, the session)."""

import asyncio
import re
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import structlog
from yarl import URL

from worker.customer_api.access import Access
from worker.customer_api.accounts import Accounts, Login
from worker.customer_api.early_deaths import IN_A_ROW, YOUNG, EarlyDeaths
from worker.customer_api.http import Answer, Http
from worker.customer_api.search import not_now
from worker.measures import LoginResult, Measures
from worker.model.errors import ApiUnavailable, LoginRefused, OutcomeUnknown, SessionContention

log = structlog.get_logger()
HEADER = "X-egain-session"
LOGOUT_WITHIN = 5.0
_SENDABLE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]+")
"""What the header of a request may hold: the HTTP library reads more in answers than it writes into requests.

Bytes that are no UTF-8 it reads as surrogates, and then leaves out or refuses to write.
"""

DYING_YOUNG = (
    f"{IN_A_ROW} sessions in a row were refused within {YOUNG:.0f} s of their login: more processes use this account "
    "than the five sessions that the API allows a user, or something on the way loses sessions"
)


class Session:
    """The session. However many callers meet a refused one, one login is made, and the others wait for it."""

    def __init__(
        self,
        http: Http,
        access: Access,
        accounts: Accounts,
        *,
        deaths: EarlyDeaths | None = None,
        measures: Measures | None = None,
    ) -> None:
        self._http = http
        self._access = access
        self._accounts = accounts
        self._deaths = deaths or EarlyDeaths()
        self._token: str | None = None
        self._contended: str | None = None
        self._login: asyncio.Task[str] | None = None
        self._measures = measures or Measures()
        self._born = 0.0
        self._logins = 0

    @property
    def age(self) -> float | None:
        """Seconds since the session's login; None without a session."""
        return time.monotonic() - self._born if self._token else None

    @property
    def renewals(self) -> int:
        """How many logins there were after the first."""
        return max(0, self._logins - 1)

    async def current(self) -> str:
        """The session id; logs in when there is none."""
        return self._token or await self._logged_in()

    async def anew(self) -> str:
        """Another session than the present one, which is logged out: a user has only five of them.

        A login that is under way, or that another caller asked for at the same time, is as good.
        """
        if self._login is not None:
            return await self._logged_in()
        old, self._token = self._token, None
        return await asyncio.shield(self._begin(self._log_in_after(old)))

    async def renew(self, refused: str) -> str:
        """Another session than the refused one: a new login only if that one is still the current session.

        Raises SessionContention to all who were refused with the session that was one too many to die young. Whoever
        asks for the current session after that logs in again.
        """
        self.over(refused)
        if refused == self._contended:
            raise SessionContention(DYING_YOUNG)
        return await self.current()

    def over(self, refused: str) -> None:
        """Note that the session was refused; ignored if it is not the current one any more."""
        if self._token != refused:
            return
        self._token = None
        self._accounts.ended()
        if self._deaths.died():
            self._contended = refused

    def accepted(self, sent: str, answered: str | None) -> None:
        """Note that a call was let through; the API may answer with a new session id.

        An older session's answer is ignored.
        """
        if self._token == sent:
            self._deaths.worked()
            self._token = answered if _SENDABLE.fullmatch(answered or "") else sent

    async def log_out(self) -> None:
        """Free one of the five sessions that the API allows a user.

        A failure is logged, and it takes some seconds at most.
        """
        try:
            async with asyncio.timeout(LOGOUT_WITHIN):
                await self._log_out()
        except (ApiUnavailable, LoginRefused, OutcomeUnknown, TimeoutError) as error:
            log.warning("session.logout_failed", detail=str(error))

    async def _log_out(self) -> None:
        """Log out. A login that is under way is waited for: otherwise its session would stay until it times out."""
        if self._login is not None:
            await self._login
        token, self._token = self._token, None
        if token is not None:
            await self._end(token)

    async def _end(self, token: str) -> None:
        await self._call("DELETE", self._access.url("/authentication/user/logout"), {HEADER: token})
        log.info("session.logged_out")

    async def _logged_in(self) -> str:
        return await asyncio.shield(self._login or self._begin(self._log_in()))

    def _begin(self, login: Coroutine[Any, Any, str]) -> asyncio.Task[str]:
        self._login = asyncio.create_task(login, name="log in")
        self._login.add_done_callback(self._login_over)
        return self._login

    def _login_over(self, task: asyncio.Task[str]) -> None:
        self._login = None
        if task.cancelled():
            return
        self._measures.logged_in(_result(task.exception()))
        if task.exception() is None:
            self._token = task.result()
            self._born = time.monotonic()
            self._logins += 1
            self._deaths.born()

    async def _log_in_after(self, old: str | None) -> str:
        """End the old session, if possible, then log in: only the login has to succeed."""
        if old is not None:
            with suppress(ApiUnavailable, LoginRefused, OutcomeUnknown, TimeoutError):
                async with asyncio.timeout(LOGOUT_WITHIN):
                    await self._end(old)
        return await self._log_in()

    async def _log_in(self) -> str:
        """Log in as the first account that has room. Nothing is renewed here: a 401 refuses the credentials."""
        refused: LoginRefused | None = None
        for login in self._accounts.logins():
            try:
                token = await self._log_in_as(login)
            except LoginRefused as refusal:
                refused = refusal
                log.info("session.account_refused", account=login.number, force=login.force, detail=str(refusal))
            else:
                self._accounts.taken(login)
                log.info("session.logged_in", renewal=self._logins > 0, account=login.number)
                return token
        raise refused or LoginRefused("there is no account")

    async def _log_in_as(self, login: Login) -> str:
        url = self._access.url("/authentication/user/login" + ("?forceLogin=yes" if login.force else ""))
        body = login.account.body(self._access.format)
        try:
            answer = await self._call("POST", url, {"Content-Type": self._access.content_type}, body)
        except OutcomeUnknown as error:
            raise ApiUnavailable(f"login: {error}") from error
        token = answer.headers.get(HEADER, "")
        if not _SENDABLE.fullmatch(token):
            raise LoginRefused("the login was accepted without a session id that can be sent")
        return token

    async def _call(self, method: str, url: URL, headers: dict[str, str], body: bytes | None = None) -> Answer:
        answer = await self._http.request(method, url, headers, body)
        if not_now(answer.status):
            raise ApiUnavailable(f"{url.path} answered {answer.status}")
        if answer.status not in {200, 204}:
            raise self._refusal(method, url, answer.status)
        return answer

    def _refusal(self, method: str, url: URL, status: int) -> LoginRefused:
        """What a refused login means. The API does not document with which status it refuses a sixth session.

        Wrong credentials are a 401, a wrong body is a 400. So a 403 without `forceLogin` is taken for the limit, the
        only cause of a refusal that the API's page names; the message mentions the other one, too. Either way a hold
        follows.
        """
        said = f"{url.path} answered {status}"
        match status:
            case 403 if method == "POST" and "forceLogin" not in url.query:
                limit = "the user probably has five sessions already (see WORKER_API__FORCE_LOGIN), or may not log in"
                return SessionContention(f"{said}: {limit}")
            case 400 | 401 | 403:
                return LoginRefused(f"{said}; see WORKER_API__USERNAME and WORKER_API__PASSWORD")
            case _:
                return LoginRefused(f"{said}; see WORKER_API__BASE_URL and WORKER_API__CONTEXT_ROOT")


def _result(error: BaseException | None) -> LoginResult:
    if error is None:
        return "succeeded"
    return "refused" if isinstance(error, LoginRefused) else "unavailable"
