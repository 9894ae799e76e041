"""A fleet of processes on several accounts, without numbers of their own, against the sandbox's table of sessions."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import cast
from urllib.parse import urlsplit

import orjson
from fakes import Clock
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.customer_api.access import Access
from worker.customer_api.accounts import Accounts, Credentials
from worker.customer_api.early_deaths import EarlyDeaths
from worker.customer_api.http import Answer, Http
from worker.customer_api.session import HEADER, Session
from worker.model.errors import LoginRefused
from worker.sandbox.api.sessions import Sessions, TooManySessions, WrongCredentials

USERS = {"a": "x", "b": "y", "c": "z"}
WORKERS = 12
CREATE = Access("http://crm").url("/interaction/customer")
CALLS_AFTER_A_KILL = 80
"""Logins, tried or done: each of three accounts without force and one with it, for each session that stands before the
dead one in its account's order, wherever that is."""


@dataclass
class Api:
    """The API's side: its table of sessions, and how often anybody tried to log in."""

    sessions: Sessions = field(default_factory=lambda: Sessions(USERS))
    tried: int = 0

    async def request(self, method, url, headers, body=None, **_):
        await asyncio.sleep(0)
        if "login" not in url.path:
            return Answer(201 if self.sessions.use(headers[HEADER]) else 401, {})
        self.tried += 1
        user = orjson.loads(body)
        force = "forceLogin" in urlsplit(str(url)).query
        try:
            session = self.sessions.log_in(user["userName"], user["password"], force=force)
        except TooManySessions:
            return Answer(403, {})
        except WrongCredentials:
            return Answer(401, {})
        return Answer(204, {HEADER: session.id})


@dataclass
class Fleet:
    """Its workers; the clock is that of none: every session dies young."""

    random: Random
    force: bool = True
    api: Api = field(default_factory=Api)
    users: dict[str, str] = field(default_factory=lambda: USERS)
    workers: list[Session] = field(default_factory=list)

    def start(self):
        found = [Credentials(user, password) for user, password in self.users.items()]
        accounts = Accounts(lambda: found, self.force, self.random.randrange(len(found)))
        access = Access("http://crm")
        self.workers.append(Session(cast("Http", self.api), access, accounts, deaths=EarlyDeaths(Clock())))

    def kill(self, number):
        """Its session stays with the API; another process takes its place."""
        del self.workers[number]
        self.start()

    async def call(self, worker):
        """As the client makes one; True where it was let through."""
        try:
            token = await worker.current()
            if (await self.api.request("POST", CREATE, {HEADER: token})).status == 401:
                token = await worker.renew(token)
                return (await self.api.request("POST", CREATE, {HEADER: token})).status == 201
        except LoginRefused:
            return False
        return True

    async def all_call(self, rounds=1):
        """At the same time; True where all were let through in the last of these rounds."""
        done: list[bool] = []
        for _ in range(rounds):
            done = await asyncio.gather(*[self.call(worker) for worker in self.workers])
        return all(done)


def test_twelve_that_start_at_once():
    """Each finds a place, wherever it begins, and nobody's session is ended."""

    async def story(seed):
        fleet = Fleet(Random(seed))  # noqa: S311  a story's chance
        for _ in range(WORKERS):
            fleet.start()
        assert await fleet.all_call(3)
        assert fleet.api.sessions.evicted == 0
        assert fleet.api.tried <= WORKERS * len(USERS)

    for seed in range(20):
        asyncio.run(story(seed))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.lists(st.tuples(st.integers(0, WORKERS - 1), st.integers(0, 3)), max_size=25))
def test_any_kills(seed, kills):
    """Whatever is left behind, in the end all work and nobody logs in any more; never is there a storm."""

    async def story():
        fleet = Fleet(Random(seed))  # noqa: S311  a story's chance
        for _ in range(WORKERS):
            fleet.start()
        for number, rounds in kills:
            fleet.kill(number)
            await fleet.all_call(rounds)
        assert fleet.api.tried <= WORKERS * len(USERS) + len(kills) * CALLS_AFTER_A_KILL
        for _ in range(40):
            await fleet.all_call()
        before = fleet.api.tried
        assert await fleet.all_call(5)
        assert fleet.api.tried == before

    asyncio.run(story())


def test_a_wrong_password_of_one_account():
    """The others are used."""

    async def story():
        fleet = Fleet(Random(1), users=USERS | {"b": "wr0ng"})  # noqa: S311  a story's chance
        for _ in range(10):
            fleet.start()
        assert await fleet.all_call(3)

    asyncio.run(story())


def test_without_force():
    """Where no account has room the login is refused, and nobody else is thrown out."""

    async def story():
        fleet = Fleet(Random(1), force=False)  # noqa: S311  a story's chance
        for _ in range(16):
            fleet.start()
        assert not await fleet.all_call(2)
        assert (fleet.api.sessions.evicted, len(fleet.api.sessions)) == (0, 15)

    asyncio.run(story())
