"""Creating a customer: one POST, its session, its answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from worker.commands import CreateCustomer, Request
from worker.customer_api.answers import Meaning, judge
from worker.customer_api.http import Access, Answer, Http, pooled
from worker.customer_api.session import HEADER, Credentials, Session
from worker.errors import LoginRefused
from worker.outcomes import Outcome


class CustomerApi:
    """`create` may be called by many at once; connections and the session are shared."""

    def __init__(self, http: Http, access: Access, session: Session, meaning: Meaning) -> None:
        self._http = http
        self._access = access
        self._session = session
        self._meaning = meaning
        self._url = access.url("/interaction/customer")

    async def log_in(self) -> None:
        """Return with a session at hand. Raises LoginRefused or ApiUnavailable; nothing of a customer is sent."""
        await self._session.current()

    async def log_out(self) -> None:
        """End the session; a failure is logged and otherwise without consequence."""
        await self._session.log_out()

    async def create(self, command: CreateCustomer) -> Outcome:
        """Send once; a 401 is a refusal before execution, so that one more try with a new session is safe.

        Raises ApiUnavailable and LoginRefused (nothing was carried out), RefusedForNow, OutcomeUnknown.
        """
        session = await self._session.current()
        answer = await self._post(command, session)
        if answer.status == 401:
            answer = await self._post(command, await self._session.renew(session))
        if answer.status == 401:
            raise LoginRefused("the API refused the session right after a good login")
        return judge(self._meaning, command.customer.customer_type, answer.status, answer.headers, answer.body)

    async def _post(self, command: CreateCustomer, session: str) -> Answer:
        headers = {"Content-Type": self._access.content_type, HEADER: session, **_trace(command.request)}
        answer = await self._http.request("POST", self._url, headers, command.body)
        self._session.adopt(answer.headers.get(HEADER), session)
        return answer


def _trace(request: Request) -> dict[str, str]:
    given = {"traceparent": request.traceparent, "tracestate": request.tracestate}
    return {name: value for name, value in given.items() if value}


@asynccontextmanager
async def customer_api(
    access: Access,
    credentials: Credentials,
    *,
    force_login: bool = True,
    unknown_statuses: frozenset[int] = frozenset({502, 504}),
    retry_statuses: frozenset[int] = frozenset({408, 429, 500, 503}),
) -> AsyncIterator[CustomerApi]:
    """A client that logs out at the end."""
    meaning = Meaning(URL(access.base_url), unknown_statuses, retry_statuses)
    async with pooled(access) as http:
        api = CustomerApi(http, access, Session(http, access, credentials, force_login=force_login), meaning)
        try:
            yield api
        finally:
            await api.log_out()
