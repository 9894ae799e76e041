"""Creating a customer and finding one again: each call, its session, its answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import quote

from worker.customer.namespaces import CUSTOMER
from worker.customer_api.access import Access
from worker.customer_api.accounts import Accounts, Credentials
from worker.customer_api.answers import Meaning, judge, refuses_session
from worker.customer_api.http import Answer, Http, LastLook, pooled
from worker.customer_api.search import criterion, found, listed
from worker.customer_api.session import HEADER, Session
from worker.measures import Measures
from worker.model.commands import CreateCustomer, Request
from worker.model.errors import ApiUnavailable, LoginRefused, OutcomeUnknown, SearchRefused
from worker.model.outcomes import Outcome

# A customer without any element, in each format.
NOTHING: Final = {"json": b"{}", "xml": b'<customer xmlns="%b"/>' % CUSTOMER.encode()}


class CustomerApi:
    """A client of the API. All methods may be called by many tasks at once; connections and session are shared."""

    def __init__(self, http: Http, access: Access, session: Session, meaning: Meaning) -> None:
        self._http = http
        self._access = access
        self._session = session
        self._meaning = meaning
        self._url = access.url("/interaction/customer")

    async def log_in(self) -> None:
        """Return when there is a session. Raises LoginRefused or ApiUnavailable; nothing of a customer is sent."""
        await self._session.current()

    async def log_in_anew(self) -> None:
        """Return with another session than before; callers at the same time share one login. Raises as `log_in`.

        To be used where an answer may come from a broken session, although it does not say that the session is refused.
        """
        await self._session.anew()

    @property
    def session_age(self) -> float | None:
        """Seconds since the login; None without a session."""
        return self._session.age

    @property
    def renewals(self) -> int:
        """How many logins there were after the first."""
        return self._session.renewals

    async def log_out(self) -> None:
        """End the session; a failure is logged and has no other consequence."""
        await self._session.log_out()

    async def create(self, command: CreateCustomer, before_sending: LastLook | None = None) -> Outcome:
        """Send the POST once; after a 401, which refuses a call before it runs, once more with a new session.

        `before_sending` is called each time when the request has its connection and no byte of it is written, and again
        after the seconds that it returns, until that is 0. What it raises is raised here unchanged, and the request is
        not sent. Raises ApiUnavailable and LoginRefused (nothing was carried out), RefusedForNow, OutcomeUnknown and
        CreatedIdUnknown.
        """
        headers = {"Content-Type": self._access.content_type, **_trace(command.request)}

        async def post(session: str) -> Answer:
            return await self._http.request(
                "POST", self._url, {**headers, HEADER: session}, command.body, before_sending=before_sending
            )

        answer = await self._in_session(post)
        return judge(self._meaning, command.customer.customer_type, answer.status, answer.headers, answer.body)

    async def reach(self) -> Answer:
        """The API's answer to a caller without a session, whatever it is. Raises ApiUnavailable where none comes."""
        try:
            return await self._http.request(
                "GET", self._access.url("/interaction/customer/attributes?$attribute=type"), {}
            )
        except OutcomeUnknown as error:
            raise ApiUnavailable(str(error)) from error

    async def refusal(self) -> Answer:
        """The answer to a customer without any element, which lacks the required type, name and person.

        An API that lets our user create customers says 400, one that does not says 403. Raises as a search does.
        """

        async def post(session: str) -> Answer:
            headers = {"Content-Type": self._access.content_type, HEADER: session}
            return await self._http.request("POST", self._url, headers, NOTHING[self._access.format])

        try:
            return await self._in_session(post)
        except OutcomeUnknown as error:
            raise ApiUnavailable(f"create: {error}") from error

    def location(self, customer_id: str) -> str:
        """The path of the customer with that id, as a creation's `Location` gives it."""
        return f"{self._url.path}/{customer_id}"

    async def find_by_attribute(self, name: str, value: str) -> list[str]:
        """The ids of the customers whose custom attribute has exactly that value.

        Raises SearchRefused when a search cannot tell, ApiUnavailable and LoginRefused when it may tell later.
        """
        return await self._find(f"custom.{name}", value)

    async def find_by_email(self, address: str) -> list[str]:
        """The ids of the customers with a contact point of exactly that address; raises as `find_by_attribute`."""
        return await self._find("email", address)

    async def attributes(self, name: str) -> bytes:
        """The JSON list of that attribute's configured values (docs: api, configured values).

        Raises as a search does.
        """
        url = self._access.url(f"/interaction/customer/attributes?$attribute={quote(name, safe='')}")

        async def get(session: str) -> Answer:
            headers = {HEADER: session, "Accept": "application/json"}
            return await self._http.request("GET", url, headers, body_within=self._access.request_timeout)

        try:
            return listed(await self._in_session(get))
        except OutcomeUnknown as error:
            raise ApiUnavailable(f"attributes: {error}") from error

    async def answer(self) -> None:
        """Return if the API answers a call that creates nothing, whatever it says.

        Raises ApiUnavailable, LoginRefused.
        """
        with suppress(SearchRefused):
            await self.attributes("level")

    async def _find(self, name: str, value: str) -> list[str]:
        url = self._access.url(f"/interaction/customer?{criterion(name, value)}")

        async def get(session: str) -> Answer:
            return await self._http.request("GET", url, {HEADER: session}, body_within=self._access.request_timeout)

        try:
            return found(await self._in_session(get))
        except OutcomeUnknown as error:
            raise ApiUnavailable(f"search: {error}") from error

    async def _in_session(self, call: Callable[[str], Awaitable[Answer]]) -> Answer:
        """The answer to a call that is made with a session, and once more with a new one if that session is refused."""
        session = await self._session.current()
        answer = await self._called(call, session)
        if self._refused(answer):
            session = await self._session.renew(session)
            answer = await self._called(call, session)
        if self._refused(answer):
            self._session.over(session)
            raise LoginRefused(f"the API refused the session right after a good login: {answer.status}")
        return answer

    async def _called(self, call: Callable[[str], Awaitable[Answer]], session: str) -> Answer:
        answer = await call(session)
        if not self._refused(answer):
            self._session.accepted(session, answer.headers.get(HEADER))
        return answer

    def _refused(self, answer: Answer) -> bool:
        return refuses_session(self._meaning, answer.status, answer.headers)


def _trace(request: Request) -> dict[str, str]:
    given = {"traceparent": request.traceparent, "tracestate": request.tracestate}
    return {name: value for name, value in given.items() if value}


@asynccontextmanager
async def customer_api(
    access: Access,
    accounts: Credentials | Callable[[], Credentials] | Accounts,
    *,
    force_login: bool = True,
    meaning: Meaning | None = None,
    measures: Measures | None = None,
) -> AsyncIterator[CustomerApi]:
    """A client of the API, logged out in the end. `force_login` counts for a single account, not for `Accounts`."""
    meaning = meaning or Meaning(own_path=access.own_path)
    measures = measures or Measures()
    async with pooled(access, measures) as http:
        session = Session(http, access, _accounts(accounts, force=force_login), measures=measures)
        api = CustomerApi(http, access, session, meaning)
        try:
            yield api
        finally:
            await api.log_out()


def _accounts(given: Credentials | Callable[[], Credentials] | Accounts, *, force: bool) -> Accounts:
    if isinstance(given, Accounts):
        return given
    read = given if callable(given) else lambda: given
    return Accounts(lambda: (read(),), force)
