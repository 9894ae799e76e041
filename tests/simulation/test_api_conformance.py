"""One suite for the model of the API and for the sandbox over HTTP: our client hears the same of both."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest

from worker import wiring
from worker.customer_api import Access, Credentials, CustomerApi, customer_api
from worker.model.commands import CreateCustomer
from worker.model.errors import WorkerError
from worker.model.outcomes import Failed, Succeeded
from worker.model.records import Record
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, Fault, SandboxConfig, sandbox_api

from .api import Api, Manners
from .play import settings_of
from .story import Story
from .world import event, world

SETTINGS = settings_of(Story(1, look_up="custom_attribute"))
CREDENTIALS = Credentials(DEFAULT_USER, DEFAULT_PASSWORD)


@dataclass(frozen=True, slots=True)
class Users:
    """Clients of one API, and the trouble that there is while one of them creates."""

    one: Callable[..., Awaitable[CustomerApi]]
    trouble: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario, what it tells, and how the sandbox and the model are made to behave in it."""

    scenario: Callable[[Users], Awaitable[list[object]]]
    told: list[object]
    fault: dict[str, Any] | None = None
    manner: Callable[[Api], None] = lambda _: None
    may_search: bool = True


def command(pin: str) -> CreateCustomer:
    """As a worker makes it of an event."""
    made = wiring.decoder(SETTINGS, None)(Record("requests", 0, 0, 0, b"k", event(pin), ()))
    assert isinstance(made, CreateCustomer)
    return made


async def heard(call: Awaitable[object]) -> object:
    """What came of it, without the ids."""
    try:
        outcome = await call
    except WorkerError as error:
        return type(error).__name__
    match outcome:
        case Succeeded():
            return "created"
        case Failed(reason):
            return reason.code.value, reason.http.status if reason.http else None
        case list():
            return f"{len(outcome)} found"
        case _:
            return "done"


async def _one_customer(users: Users) -> list[object]:
    api, made = await users.one(), command("1")
    told = [await heard(api.create(made)) for _ in range(2)]
    told += [await heard(api.find_by_email(address)) for address in ("1@example.com", "2@example.com")]
    names = str(made.request.event), str(command("2").request.event)
    return told + [await heard(api.find_by_attribute("externalid", name)) for name in names]


async def _calls(users: Users) -> list[object]:
    api = await users.one()
    await api.log_in()
    with users.trouble():
        told = [await heard(api.create(command("1")))]
    return [*told, await heard(api.find_by_email("1@example.com")), await heard(api.answer())]


async def _six_clients(users: Users) -> list[object]:
    first = await users.one()
    told = [await heard(first.log_in())]
    told += [await heard((await users.one()).log_in()) for _ in range(5)]
    return [
        *told,
        await heard((await users.one(force_login=False)).log_in()),
        await heard(first.answer()),
        first.renewals,
    ]


def manner(name: str, value: object) -> Callable[[Api], None]:
    """So the model behaves."""
    return lambda api: setattr(api.manners, name, value)


def status(number: int) -> tuple[dict[str, Any], Callable[[Api], None]]:
    """Of the sandbox, and of the model."""
    return {"kind": "status", "status": number}, manner("statuses", {number: 1.0})


ONCE = {"times": 1}
CASES = {
    "a customer, once": Case(_one_customer, ["created", ("rejected", 400), "1 found", "0 found", "1 found", "0 found"]),
    "six clients": Case(_six_clients, ["done"] * 6 + ["SessionContention", "done", 1]),
    "a reply that is lost": Case(
        _calls, ["OutcomeUnknown", "1 found", "done"], {"kind": "reply_lost", **ONCE}, manner("lost_after", 1.0)
    ),
    "a call that is lost": Case(
        _calls, ["OutcomeUnknown", "0 found", "done"], {"kind": "reset", **ONCE}, manner("lost_before", 1.0)
    ),
    "no location": Case(
        _calls, ["CreatedIdUnknown", "1 found", "done"], {"kind": "location_missing"}, manner("no_location", 1.0)
    ),
    "not now": Case(_calls, ["RefusedForNow", "0 found", "done"], *status(429)),
    "a bad gateway": Case(_calls, ["OutcomeUnknown", "0 found", "done"], *status(502)),
    "another place": Case(_calls, ["OutcomeUnknown", "0 found", "done"], *status(303)),
    "not allowed": Case(_calls, [("forbidden", 403), "0 found", "done"], *status(403)),
    "a session that has ended": Case(
        _calls, ["created", "1 found", "done"], {"kind": "expire_session", **ONCE}, lambda api: api.sessions.clear()
    ),
    "searches that are refused": Case(
        _calls,
        ["created", "SearchRefused", "done"],
        None,
        lambda api: setattr(api, "may_search", False),
        may_search=False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_model(name: str):
    case = CASES[name]

    @contextmanager
    def trouble() -> Iterator[None]:
        case.manner(made.api)
        yield
        made.api.manners = calm()

    async def told() -> list[object]:
        async with _clients("http://api:80") as one:
            return await case.scenario(Users(one, trouble))

    with world(1) as made:
        made.api.manners = calm()
        assert made.loop.run_until_complete(told()) == case.told


def calm() -> Manners:
    """As the sandbox is by itself."""
    return Manners(unique=True, search_lag=0.0)


@pytest.mark.parametrize("name", CASES)
async def test_the_sandbox(name: str):
    case = CASES[name]
    faults = [Fault.model_validate(case.fault)] if case.fault else []
    async with (
        sandbox_api(SandboxConfig(may_search=case.may_search), faults=faults) as sandbox,
        _clients(sandbox.base_url) as one,
    ):
        assert await case.scenario(Users(one)) == case.told


@asynccontextmanager
async def _clients(base_url: str) -> AsyncIterator[Callable[..., Awaitable[CustomerApi]]]:
    async with AsyncExitStack() as stack:

        async def one(*, force_login: bool = True) -> CustomerApi:
            access = Access(base_url, connect_timeout=60, request_timeout=30, pool_size=10)
            return await stack.enter_async_context(customer_api(access, CREDENTIALS, force_login=force_login))

        yield one
