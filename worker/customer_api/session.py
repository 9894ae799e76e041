"""The one session of this process: log in on first need, renew on refusal, log out (design 4.8)."""

import asyncio
from dataclasses import dataclass
from xml.sax.saxutils import escape

import orjson
import structlog
from yarl import URL

from worker.customer_api.http import Access, Answer, Http
from worker.errors import ApiUnavailable, LoginRefused, OutcomeUnknown

log = structlog.get_logger()
HEADER = "X-egain-session"
LOGOUT_WITHIN = 5.0
PLATFORM = "http://bindings.egain.com/ws/model/v12/gen/platform"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One user of the API."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "Credentials(...)"

    def body(self, format_: str) -> bytes:
        """The login's body; its element is `userName`, whatever the page's table says (reference 1.2)."""
        if format_ == "json":
            return orjson.dumps({"userName": self.username, "password": self.password})
        user, password = escape(self.username), escape(self.password)
        return f'<login xmlns="{PLATFORM}"><userName>{user}</userName><password>{password}</password></login>'.encode()


class Session:
    """Single flight: however many callers meet a refused session, one login is made and the others wait for it."""

    def __init__(self, http: Http, access: Access, credentials: Credentials, *, force_login: bool) -> None:
        self._http = http
        self._access = access
        self._credentials = credentials
        self._login_url = access.url("/authentication/user/login" + ("?forceLogin=yes" if force_login else ""))
        self._token: str | None = None
        self._login: asyncio.Task[str] | None = None

    async def current(self) -> str:
        """The session id; logs in when there is none."""
        return self._token or await self._logged_in()

    async def renew(self, refused: str) -> str:
        """Another session than the refused one: a new login only if that one is still current."""
        if self._token == refused:
            self._token = None
        return await self.current()

    def adopt(self, answered: str | None, sent: str) -> None:
        """The API may hand out a new id with any answer; an answer to an older session changes nothing."""
        if answered and answered != sent and self._token == sent:
            self._token = answered

    async def log_out(self) -> None:
        """Frees one of the five sessions that the API allows a user; best effort, and no more than some seconds."""
        token, self._token = self._token, None
        if token is None:
            return
        try:
            async with asyncio.timeout(LOGOUT_WITHIN):
                await self._call("DELETE", self._access.url("/authentication/user/logout"), {HEADER: token})
        except (ApiUnavailable, LoginRefused, OutcomeUnknown, TimeoutError) as error:
            log.warning("session.logout_failed", detail=str(error))
        else:
            log.info("session.logged_out")

    async def _logged_in(self) -> str:
        if self._login is None:
            self._login = asyncio.create_task(self._log_in(), name="log in")
            self._login.add_done_callback(self._login_over)
        return await asyncio.shield(self._login)

    def _login_over(self, task: asyncio.Task[str]) -> None:
        self._login = None
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    async def _log_in(self) -> str:
        """This path cannot renew anything: a 401 here is a refusal of the credentials."""
        body = self._credentials.body(self._access.format)
        try:
            answer = await self._call("POST", self._login_url, {"Content-Type": self._access.content_type}, body)
        except OutcomeUnknown as error:
            raise ApiUnavailable(f"login: {error}") from error
        token = answer.headers.get(HEADER)
        if not token:
            raise LoginRefused("the login was accepted without a session id")
        log.info("session.logged_in")
        return token

    async def _call(self, method: str, url: URL, headers: dict[str, str], body: bytes | None = None) -> Answer:
        answer = await self._http.request(method, url, headers, body)
        if answer.status >= 500 or answer.status in {408, 429}:
            raise ApiUnavailable(f"{url.path} answered {answer.status}")
        if answer.status not in {200, 204}:
            raise LoginRefused(
                f"{url.path} answered {answer.status}; see WORKER_API__USERNAME and WORKER_API__PASSWORD"
            )
        return answer
