"""The calls of the API that this sandbox doubles, each as its page states it."""

from collections.abc import Awaitable, Callable

import orjson

from worker.sandbox.api.answers import CONTENT_TYPES, SESSION, Answer, Refused, error
from worker.sandbox.api.bodies import CustomerBody
from worker.sandbox.api.catalog import configured_values
from worker.sandbox.api.faulting import reset_on_arrival, session_refused, under_faults, unread
from worker.sandbox.api.faults import Seen
from worker.sandbox.api.incoming import Incoming, negotiated
from worker.sandbox.api.ledger import digest_of
from worker.sandbox.api.logins import Logins
from worker.sandbox.api.state import Sandbox
from worker.sandbox.api.validation import EMAIL_TAKEN, UNSUPPORTED_QUERY
from worker.sandbox.api.xml import write_customers

Endpoint = Callable[[Incoming], Awaitable[Answer]]

MAX_TOLD = 10
MAX_IDS = 75
PAGE_SIZE = 25

_SEARCH_OPTIONS = frozenset({"$attribute", "$sort", "$order", "$pagenum", "$pagesize"})


class Endpoints:
    """Finds the endpoint of a call and answers it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        logins = Logins(sandbox)
        self._root = f"{sandbox.config.context_root}/ws/v12"
        self._customer = f"{self._root}/interaction/customer"
        self._fixed: dict[str, dict[str, Endpoint]] = {
            f"{self._root}/authentication/user/login": {"POST": logins.log_in},
            f"{self._root}/authentication/user/logout": {"DELETE": logins.log_out},
            self._customer: {"POST": self._create, "GET": self._search},
            f"{self._customer}/attributes": {"GET": self._attributes},
        }

    async def answer(self, call: Incoming) -> Answer:
        """Answer the call; raises `Refused` or `Dropped` where the call ends early."""
        methods = self._fixed.get(call.request.path)
        if methods is None and call.request.path.startswith(f"{self._customer}/"):
            methods = {"GET": self._get}
        if methods is None:
            return error(call.form, 404, "no such resource")
        endpoint = methods.get(call.request.method)
        if endpoint is None:
            refusal = error(call.form, 405, f"only {', '.join(methods)} is supported")
            refusal.headers["Allow"] = ", ".join(methods)
            return refusal
        return await endpoint(call)

    async def _create(self, call: Incoming) -> Answer:
        self._require_session(call)
        if not self._sandbox.may_create:
            return self._with_session(call, error(call.form, 403, "The user has no 'Create Customer' action."))
        if call.request.rel_url.raw_query_string:
            message = "unsupported query parameter(s) supplied"
            return self._with_session(call, error(call.form, 400, message, UNSUPPORTED_QUERY))
        form = negotiated(call)
        reset_on_arrival(self._sandbox, call)
        body = CustomerBody(await call.read(), form)
        seen = Seen("create", lambda: self._identity(call, body), body.texts)
        return await under_faults(self._sandbox, call, lambda: self._execute(call, body), seen)

    def _execute(self, call: Incoming, body: CustomerBody) -> Answer:
        """Create the customer or refuse it, and record the execution in the ledger."""
        if self._sandbox.is_full:
            return error(call.form, 503, "the sandbox is full: restart it")
        answer = self._refusal(call, body) or self._created(call, body)
        identity = self._identity(call, body)
        answer.execution = self._sandbox.ledger.append(identity, digest_of(body.raw), answer.status, answer.customer_id)
        return self._with_session(call, answer)

    def _refusal(self, call: Incoming, body: CustomerBody) -> Answer | None:
        problems = body.problems or list(self._sandbox.rules.problems(body.tree))
        if problems:
            return error(call.form, 400, "; ".join(map(str, problems[:MAX_TOLD])), problems[0].code)
        if self._sandbox.config.unique_emails and self._sandbox.customers.email_taken(body.tree):
            return error(call.form, 400, "an email contact point uses this address already", EMAIL_TAKEN)
        homes = self._sandbox.config.home_departments if self._sandbox.config.departmentalization else None
        if homes is not None and body.tree["department"]["name"] not in homes:
            return error(call.form, 403, "The user does not belong to this department.")
        return None

    def _created(self, call: Incoming, body: CustomerBody) -> Answer:
        customer_id = self._sandbox.customers.add(body.tree)
        location = f"{self._customer}/{customer_id}"
        return Answer(201, b"", CONTENT_TYPES[call.form], {"Location": location}, customer_id)

    async def _search(self, call: Incoming) -> Answer:
        self._require_search(call)
        options, criteria = _search_of(call)
        first, last = _page(call, options)

        def execute() -> Answer:
            found = self._sandbox.customers.find(criteria)[first:last]
            return self._with_session(call, self._list(call, found) if found else Answer(204))

        return await under_faults(self._sandbox, call, execute, unread("search"))

    async def _get(self, call: Incoming) -> Answer:
        self._require_search(call)
        wanted = call.request.path.rpartition("/")[2].split(",")
        if len(wanted) > MAX_IDS or not all(each.isascii() and each.isdecimal() and len(each) < 19 for each in wanted):
            return error(call.form, 400, f"at most {MAX_IDS} customer ids, separated by commas, are expected")
        found = [int(each) for each in wanted if self._sandbox.customers.get(int(each)) is not None]
        if not found:
            return self._with_session(call, error(call.form, 404, "no such customer"))
        return self._with_session(call, self._list(call, found))

    async def _attributes(self, call: Incoming) -> Answer:
        """Answer which values are configured; the faults of searches apply to this call too."""
        self._require_session(call)
        wanted = call.request.query.get("$attribute")

        def execute() -> Answer:
            return self._with_session(call, configured_values(call.form, self._sandbox.config.configured, wanted))

        return await under_faults(self._sandbox, call, execute, unread("search"))

    def _list(self, call: Incoming, ids: list[int]) -> Answer:
        customers = [(each, tree) for each in ids if (tree := self._sandbox.customers.get(each)) is not None]
        trees = [tree for _, tree in customers]
        body = orjson.dumps({"customer": trees}) if call.form == "json" else write_customers(customers)
        return Answer(200, body, CONTENT_TYPES[call.form])

    def _require_session(self, call: Incoming) -> None:
        sessions, given = self._sandbox.sessions, call.request.headers.get(SESSION)
        call.session = sessions.use(given)
        if call.session is None:
            raise session_refused(call, self._sandbox.config.login_page if sessions.is_led_away(given) else None)

    def _require_search(self, call: Incoming) -> None:
        self._require_session(call)
        if not self._sandbox.may_search:
            raise Refused(error(call.form, 403, "The user has no 'View Agent Console' action."))

    def _identity(self, call: Incoming, body: CustomerBody) -> str:
        traceparent = call.request.headers.get("traceparent", "")
        return body.identity(self._sandbox.config.identity_attribute, traceparent)

    def _with_session(self, call: Incoming, answer: Answer) -> Answer:
        if call.session is not None:
            answer.headers[SESSION] = call.session.id
        return answer


def _search_of(call: Incoming) -> tuple[dict[str, str], list[tuple[str, str]]]:
    query = call.request.query
    criteria = [(name, value) for name, value in query.items() if name not in _SEARCH_OPTIONS]
    known = all(name in {"email", "phone"} or name.startswith("custom.") for name, _ in criteria)
    if not criteria or not known:
        raise Refused(error(call.form, 400, "at least one of email, phone, custom.<name>, and no other, is expected"))
    return {name: query[name] for name in _SEARCH_OPTIONS if name in query}, criteria


def _page(call: Incoming, options: dict[str, str]) -> tuple[int, int]:
    number, size = options.get("$pagenum", "1"), options.get("$pagesize", str(PAGE_SIZE))
    fine = all(each.isascii() and each.isdecimal() and 0 < len(each) < 7 and int(each) > 0 for each in (number, size))
    if not fine or int(size) > MAX_IDS:
        raise Refused(error(call.form, 400, f"$pagenum counts from 1, $pagesize is at most {MAX_IDS}"))
    return (int(number) - 1) * int(size), int(number) * int(size)
