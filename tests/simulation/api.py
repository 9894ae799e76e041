"""The API, in the place of our HTTP client: strict about sessions, with a ledger; faults are drawn for each call."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from multidict import CIMultiDict
from yarl import URL

from worker.customer_api.http import Answer

from .loop import HERE, Machine

SESSIONS = 5
HIDDEN = "X-hidden"
HEADER = "X-egain-session"
NO_ANSWER, NO_ID = 0, -201
"""In the place of a status: none came, or a 201 that did not say which customer was made."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One customer that was made: for which event, when, under which id."""

    pin: str
    time: float
    customer: str
    email: str | None
    attribute: str | None


@dataclass(slots=True)
class Manners:
    """How the API behaves now. Shares are of calls; seconds."""

    latency: float = 0.05
    unreachable: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    late: float = 0.0
    no_location: float = 0.0
    hidden: float = 0.0
    statuses: dict[int, float] = field(default_factory=dict)
    executed_500: float = 0.5
    retry_after: float | None = None
    expire: float = 0.0
    to_login: bool = False
    refuse_logins: bool = False
    search_lag: float = 1.0
    search_refused: bool = False
    search_broken_for: Container[str] = ()
    unique: bool = False


@dataclass(eq=False)
class Api:
    """`ledger` is what was really done; `manners` may be changed at any time."""

    random: Random
    manners: Manners = field(default_factory=Manners)
    ledger: list[Execution] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    may_search: bool = True
    bad: set[str] = field(default_factory=set)
    unfindable: set[str | None] = field(default_factory=set)
    answers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By event what became of its POSTs: statuses, and what stands in the place of one."""
    in_order: list[tuple[str, int]] = field(default_factory=list)
    """The same in the order of time, (event, status)."""
    at_once: Counter[Machine] = field(default_factory=Counter)
    most_at_once: Counter[Machine] = field(default_factory=Counter)
    sent: list[float] = field(default_factory=list)
    """When creations left their workers."""
    _addresses: set[str | None] = field(default_factory=set)
    _ids: int = 2800

    def happens(self, share: float) -> bool:
        """Whether something of that share happens to this call."""
        return share > 0 and self.random.random() < share

    def answer(self, method: str, url: URL, headers: dict[str, str], body: bytes | None) -> Answer:
        """What the API does with a call that has reached it."""
        path = url.path.partition("/ws/v12")[2]
        if path == "/authentication/user/login":
            return self._login(url)
        session = headers.get(HEADER)
        if self.happens(self.manners.expire) and session in self.sessions:
            self.sessions.remove(session)
        if session not in self.sessions:
            return self._no_session()
        if path == "/authentication/user/logout":
            self.sessions.remove(session)
            return _answer(204)
        if method == "POST":
            return self._created(body or b"")
        if path.endswith("/attributes"):
            return _answer(204)
        return self._search(url)

    def _no_session(self) -> Answer:
        if self.manners.to_login:
            return _answer(302, {"Location": "/login"})
        return _answer(401)

    def _login(self, url: URL) -> Answer:
        if self.manners.refuse_logins:
            return _answer(401)
        if len(self.sessions) >= SESSIONS:
            if url.query.get("forceLogin") != "yes":
                return _answer(403)
            self.sessions.pop(0)
        self._ids += 1
        self.sessions.append(f"session-{self._ids}")
        return _answer(204, {HEADER: self.sessions[-1]})

    def _created(self, body: bytes) -> Answer:
        answer = self._create(orjson.loads(body))
        without_id = answer.status == 201 and "Location" not in answer.headers
        self.note(body, NO_ID if without_id else answer.status)
        return answer

    def note(self, body: bytes, what: int) -> None:
        """What became of a POST."""
        pin = orjson.loads(body).get("pin", "")
        self.answers[pin].append(what)
        self.in_order.append((pin, what))

    @contextmanager
    def counted(self, posts: int) -> Iterator[None]:
        """So many POSTs of this machine, while it waits for them."""
        machine = HERE.get()
        self.at_once[machine] += posts
        self.most_at_once[machine] = max(self.most_at_once[machine], self.at_once[machine])
        try:
            yield
        finally:
            self.at_once[machine] -= posts

    def _create(self, customer: dict[str, Any]) -> Answer:
        pin = customer.get("pin", "")
        for status, share in self.manners.statuses.items():
            if self.happens(share):
                if status == 500 and self.happens(self.manners.executed_500):
                    self.execute(customer)
                after = self.manners.retry_after
                return _answer(status, {} if after is None else {"Retry-After": str(int(after))})
        if not customer or pin in self.bad or self._taken(customer):
            return _answer(400)
        made = self.execute(customer)
        if self.happens(self.manners.hidden):
            return _answer(201, {HIDDEN: made.customer})
        if self.happens(self.manners.no_location):
            return _answer(201)
        return _answer(201, {"Location": f"/system/ws/v12/interaction/customer/{made.customer}"})

    def _taken(self, customer: dict[str, Any]) -> bool:
        """Some customer has its address already."""
        address = _address(customer)
        return self.manners.unique and address is not None and address in self._addresses

    def execute(self, customer: dict[str, Any], since: float = 0.0) -> Execution:
        """The customer exists from now on, or has since then."""
        self._ids += 1
        now = asyncio.get_running_loop().time() + since
        email = _address(customer)
        given = customer.get("customAttributes", {}).get("customAttribute", [])
        attribute = given[0]["attribValues"]["attribValue"][0]["value"] if given else None
        made = Execution(customer.get("pin", ""), now, str(self._ids), email, attribute)
        self.ledger.append(made)
        self._addresses.add(email)
        return made

    def _search(self, url: URL) -> Answer:
        if self.manners.search_refused or not self.may_search:
            return _answer(403)
        ((name, value),) = url.query.items()
        if value in self.manners.search_broken_for:
            return _answer(500)
        now = asyncio.get_running_loop().time()
        there = [
            each
            for each in self.ledger
            if each.time + self.manners.search_lag <= now and each.customer not in self.unfindable
        ]
        found = [each for each in there if (each.email if name == "email" else each.attribute) == value]
        if not found:
            return _answer(204)
        return _answer(200, body=orjson.dumps({"customer": [{"id": each.customer} for each in found]}))


def _address(customer: dict[str, Any]) -> str | None:
    found = re.search(r'"emailAddress": ?"([^"]+)"', orjson.dumps(customer).decode())
    return found[1] if found else None


def _answer(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    return Answer(status, CIMultiDict(headers or {}), body)
