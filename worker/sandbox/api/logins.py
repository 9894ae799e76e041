"""Log-in and log-out, each as its page of the API states it."""

from typing import Any

import orjson

from worker.sandbox.api.answers import SESSION, Answer, Format, platform_error
from worker.sandbox.api.faulting import under_faults, unread
from worker.sandbox.api.incoming import Incoming, negotiated
from worker.sandbox.api.sessions import TooManySessions, WrongCredentials
from worker.sandbox.api.state import Sandbox
from worker.sandbox.api.xml import MalformedXml, read_login


class Logins:
    """The two calls that begin and end a session."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def log_in(self, call: Incoming) -> Answer:
        """Answer 204 with a new session.

        `?forceLogin=yes` ends the user's earliest session where there are too many.
        """
        query = list(call.request.query.items())
        if query not in ([], [("forceLogin", "yes")]):
            return platform_error(call.form, 400, "Unsupported query parameter; only forceLogin=yes is known.")
        form = negotiated(call)
        raw = await call.read()
        credentials = _credentials(raw, form)
        if credentials is None:
            return platform_error(call.form, 400, "The request body must hold userName and password.")
        user, password = credentials

        def execute() -> Answer:
            return self._begin_session(call, user, password, force=bool(query))

        return await under_faults(self._sandbox, call, execute, unread("login"))

    def _begin_session(self, call: Incoming, user: str, password: str, *, force: bool) -> Answer:
        try:
            call.session = self._sandbox.sessions.log_in(user, password, force=force)
        except WrongCredentials:
            return platform_error(call.form, 401, "User could not be authenticated. Wrong user name or password.")
        except TooManySessions:
            status = self._sandbox.config.session_limit_status
            return platform_error(call.form, status, "The user has the maximum number of concurrent sessions.")
        return Answer(204, headers={SESSION: call.session.id})

    async def log_out(self, call: Incoming) -> Answer:
        """End the session and answer 204; a 401 where there is no such session."""
        session = self._sandbox.sessions.use(call.request.headers.get(SESSION))
        if session is None:
            return platform_error(call.form, 401, "User could not be authenticated. Invalid session ID.")
        call.session = session

        def end() -> Answer:
            self._sandbox.sessions.end(session)
            return Answer(204)

        return await under_faults(self._sandbox, call, end, unread("logout"))


def _credentials(raw: bytes, form: Format) -> tuple[str, str] | None:
    if form == "xml":
        try:
            return read_login(raw)
        except MalformedXml:
            return None
    try:
        login: Any = orjson.loads(raw)
    except ValueError:
        return None
    if not isinstance(login, dict) or set(login) != {"userName", "password"}:
        return None
    user, password = login["userName"], login["password"]
    return (user, password) if isinstance(user, str) and isinstance(password, str) else None
