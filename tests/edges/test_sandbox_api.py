"""The sandbox API over real HTTP."""

import asyncio
import io
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from lxml import etree
from patience import PATIENCE
from rich.console import Console

from worker.model.errors import StartupError
from worker.sandbox.api import (
    DEFAULT_PASSWORD,
    DEFAULT_USER,
    CallLine,
    Fault,
    Kind,
    Match,
    RunningSandbox,
    SandboxConfig,
    load_faults,
    run_sandbox,
    sandbox_api,
)

SEEDS = Path(__file__).parents[1] / "seeds"
V12 = "/system/ws/v12"
CUSTOMER = f"{V12}/interaction/customer"
LOGIN = f"{V12}/authentication/user/login"
LOGOUT = f"{V12}/authentication/user/logout"
COMMON = "{http://bindings.egain.com/ws/model/v12/gen/common}"
PLATFORM = "{http://bindings.egain.com/ws/model/v12/gen/platform}"

DEADLINE = PATIENCE


def individual(first_name: str = "Jack", *, external_id: str | None = None, email: str | None = None) -> bytes:
    person: dict[str, Any] = {"firstName": first_name}
    if email is not None:
        point = {"type": {"value": "email", "email": {"emailAddress": email}}}
        person["contactPoints"] = {"contactPoint": [point]}
    tree: dict[str, Any] = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [person]}}
    if external_id is not None:
        values = {"attribValue": [{"value": external_id}]}
        tree["customAttributes"] = {"customAttribute": [{"attribName": "externalid", "attribValues": values}]}
    return orjson.dumps(tree)


@dataclass
class Answer:
    """An answer with its whole body."""

    status: int
    headers: Any
    body: bytes

    @property
    def told(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Trial:
    """A sandbox, a client of it, and the lines that it printed."""

    sandbox: RunningSandbox
    client: aiohttp.ClientSession
    lines: list[CallLine]
    printed: asyncio.Condition
    headers: dict[str, str]

    async def call(self, method: str, path: str, body: bytes | io.BytesIO | None = None, **headers: str) -> Answer:
        own = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, path, data=body, headers=own, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def log_in(self, query: str = "") -> Answer:
        body = orjson.dumps({"userName": DEFAULT_USER, "password": DEFAULT_PASSWORD})
        answer = await self.call("POST", LOGIN + query, body)
        if answer.status == 204:
            self.headers["X-egain-session"] = answer.headers["X-egain-session"]
        return answer

    async def create(self, body: bytes | io.BytesIO | None = None, **headers: str) -> Answer:
        return await self.call("POST", CUSTOMER, individual() if body is None else body, **headers)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the condition holds after a printed line."""
        async with asyncio.timeout(DEADLINE), self.printed:
            await self.printed.wait_for(holds)


@asynccontextmanager
async def a_trial(config: SandboxConfig | None = None, *faults: Fault) -> AsyncIterator[Trial]:
    lines: list[CallLine] = []
    told: set[asyncio.Task[None]] = set()

    printed = asyncio.Condition()

    async def tell() -> None:
        async with printed:
            printed.notify_all()

    def report(line: CallLine) -> None:
        lines.append(line)
        told.add(asyncio.create_task(tell()))

    timeout = aiohttp.ClientTimeout(total=DEADLINE)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    async with (
        sandbox_api(config, faults=faults, report=report) as sandbox,
        aiohttp.ClientSession(sandbox.base_url, timeout=timeout) as client,
    ):
        yield Trial(sandbox, client, lines, printed, headers)
    await asyncio.gather(*told)


@pytest.fixture
async def trial() -> AsyncIterator[Trial]:
    async with a_trial() as trial:
        await trial.log_in()
        yield trial


async def test_the_examples_of_the_pages() -> None:
    """The API's own examples are created with consecutive ids, and answered as the pages say."""
    async with a_trial(SandboxConfig(unique_emails=False, departmentalization=False)) as trial:
        await trial.log_in()
        names = ["individual-required.xml", "individual-required.json", "individual-all.xml", "individual-all.json"]
        for number, name in enumerate(names, start=2801):
            media_type = f"application/{name.rpartition('.')[2]}"
            answer = await trial.create((SEEDS / name).read_bytes(), Content_Type=media_type, Accept=media_type)
            assert (answer.status, answer.body) == (201, b"")
            assert answer.headers["Location"] == f"/system/ws/v12/interaction/customer/{number}"
            assert answer.headers["X-egain-session"] == trial.headers["X-egain-session"]
            assert answer.headers["Content-Type"] == media_type
        assert [entry.customer_id for entry in trial.sandbox.ledger.entries()] == [2801, 2802, 2803, 2804]
        found = await trial.call("GET", f"{CUSTOMER}?email=john.russel@customer.com")
        assert [each["id"] for each in found.told["customer"]] == ["2803", "2804"]


async def test_another_context_root() -> None:
    """With another context root the `Location` begins with it."""
    async with a_trial(SandboxConfig(context_root="/tenant")) as trial:
        login = LOGIN.replace("/system", "/tenant")
        body = orjson.dumps({"userName": DEFAULT_USER, "password": DEFAULT_PASSWORD})
        session = (await trial.call("POST", login, body)).headers["X-egain-session"]
        answer = await trial.call("POST", "/tenant/ws/v12/interaction/customer", individual(), X_egain_session=session)
        assert answer.headers["Location"] == "/tenant/ws/v12/interaction/customer/2801"
        assert (await trial.log_in()).status == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "400-105"),
        (b"{", "400-106"),
        (b"[]", "400-106"),
        (b'{"type": {"value": "individual"}}', "400-102"),
        (individual("n" * 125), "400-104"),
        (individual()[:-1] + b', "surprise": "1"}', "400-103"),
    ],
)
async def test_a_refused_body(trial: Trial, body: bytes, code: str) -> None:
    """A refused body has the right code, is in the ledger, and creates nothing."""
    answer = await trial.create(body)
    assert (answer.status, answer.told["code"]) == (400, code)
    assert set(answer.told) == {"code", "developerMessage"}
    assert [(entry.status, entry.customer_id) for entry in trial.sandbox.ledger.entries()] == [(400, None)]


async def test_an_error_in_xml(trial: Trial) -> None:
    """Errors are XML by default: an `error` element in the common namespace."""
    for accept in ("application/xml", "*/*"):
        answer = await trial.create(b"{}", Accept=accept)
        root = etree.fromstring(answer.body)
        assert answer.headers["Content-Type"] == "application/xml"
        assert [root.tag, *(child.tag for child in root)] == [
            f"{COMMON}{n}" for n in ("error", "code", "developerMessage")
        ]


async def test_a_name_that_no_xml_can_hold(trial: Trial) -> None:
    """An element's name that XML cannot hold is escaped in the error."""
    answer = await trial.create(b'{"\\u0000\\u001b<x>": "1"}', Accept="application/xml")
    assert answer.status == 400
    assert etree.fromstring(answer.body).tag == f"{COMMON}error"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/*"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Accept": "text/html"}, 406),
        ({"X-egain-session": "00000000-0000-0000-0000-000000000000"}, 401),
        ({"X-egain-session": ""}, 401),
    ],
)
async def test_headers_that_are_refused(trial: Trial, headers: dict[str, str], status: int) -> None:
    """Requests with wrong headers are refused, and nothing is executed."""
    trial.headers |= headers
    assert (await trial.create()).status == status
    assert len(trial.sandbox.ledger) == 0


async def test_a_query_parameter(trial: Trial) -> None:
    """A creation with any query parameter is refused."""
    for query in ("?a=b", "?a", "?$attribute=all"):
        answer = await trial.call("POST", CUSTOMER + query, individual())
        assert (answer.status, answer.told["code"]) == (400, "400-101")
    assert len(trial.sandbox.ledger) == 0


async def test_an_email_address_that_is_used(trial: Trial) -> None:
    """A second customer with the same e-mail address is refused."""
    first = await trial.create(individual("A", email="a@b.c"))
    second = await trial.create(individual("B", email="a@b.c"))
    assert (first.status, second.status, second.told["code"]) == (201, 400, "400-107")


async def test_departments() -> None:
    """With departments one of the user's own is required."""
    config = SandboxConfig(departmentalization=True, home_departments=frozenset({"Service"}))
    async with a_trial(config) as trial:
        await trial.log_in()
        bodies = [
            individual()[:-1] + f', "department": {{"name": "{name}"}}}}'.encode() for name in ("Service", "Sales")
        ]
        assert [(await trial.create(body)).status for body in (*bodies, individual())] == [201, 403, 400]


async def test_a_login_in_xml(trial: Trial) -> None:
    """A login in XML works; its error has the platform's form."""
    form = "<login xmlns='{}'><userName>{}</userName><password>{}</password></login>"
    right = form.format(PLATFORM.strip("{}"), DEFAULT_USER, DEFAULT_PASSWORD).encode()
    wrong = form.format(PLATFORM.strip("{}"), DEFAULT_USER, "wrong").encode()
    media_types = {"Content_Type": "application/xml", "Accept": "application/xml"}
    assert (await trial.call("POST", LOGIN, right, **media_types)).status == 204
    refused = await trial.call("POST", LOGIN, wrong, **media_types)
    root = etree.fromstring(refused.body)
    assert (refused.status, root.tag, [child.tag for child in root]) == (
        401,
        f"{PLATFORM}Error",
        [f"{PLATFORM}message"],
    )


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?forceLogin=no", b'{"userName": "apiuser", "password": "sandbox-password"}'),
        ("?force=yes", b'{"userName": "apiuser", "password": "sandbox-password"}'),
        ("", b'{"username": "apiuser", "password": "sandbox-password"}'),
        ("", b'{"userName": "apiuser"}'),
        ("", b'{"userName": "apiuser", "password": 1}'),
        ("", b"{"),
        ("", b""),
    ],
)
async def test_a_login_of_another_shape(trial: Trial, query: str, body: bytes) -> None:
    """A login of a wrong form is a 400."""
    assert (await trial.call("POST", LOGIN + query, body)).status == 400
    assert trial.sandbox.sessions.logins == 1


async def test_six_sessions(trial: Trial) -> None:
    """The sixth session is refused; forced, it ends the first one, whose calls are then a 401."""
    first = trial.headers["X-egain-session"]
    assert [(await trial.log_in()).status for _ in range(5)] == [204, 204, 204, 204, 403]
    assert (await trial.log_in("?forceLogin=yes")).status == 204
    assert (await trial.create()).status == 201
    refused = await trial.create(X_egain_session=first)
    assert (refused.status, refused.told["code"]) == (401, "401-101")


async def test_a_logout(trial: Trial) -> None:
    """After a log-out the session is over; a second log-out is refused."""
    statuses = [(await trial.call("DELETE", LOGOUT)).status, (await trial.create()).status]
    assert [*statuses, (await trial.call("DELETE", LOGOUT)).status] == [204, 401, 401]


async def test_sessions_that_rotate_and_expire() -> None:
    """Session ids change with each answer, and end after a number of calls."""
    async with a_trial(SandboxConfig(rotate_after=1, session_calls=3)) as trial:
        await trial.log_in()
        for _ in range(3):
            answer = await trial.create()
            assert answer.status == 201
            assert answer.headers["X-egain-session"] != trial.headers["X-egain-session"]
            trial.headers["X-egain-session"] = answer.headers["X-egain-session"]
        assert (await trial.create()).status == 401


async def test_a_search(trial: Trial) -> None:
    """A search matches exactly, and all criteria together; nothing found is a 204; an id finds its customer."""
    await trial.create(individual("A", external_id="event-1", email="a@b.c"))
    await trial.create(individual("B", external_id="event-2", email="b@b.c"))

    async def ids(query: str) -> list[str]:
        answer = await trial.call("GET", f"{CUSTOMER}?{query}")
        assert answer.status == (200 if answer.body else 204)
        return [each["id"] for each in orjson.loads(answer.body)["customer"]] if answer.body else []

    assert await ids("custom.externalid=event-2") == ["2802"]
    assert await ids("custom.externalid=event-2&email=b@b.c&$attribute=all") == ["2802"]
    assert await ids("custom.externalid=event-2&email=a@b.c") == []
    assert await ids("email=A@b.c") == []
    found = await trial.call("GET", f"{CUSTOMER}/2801,2802", Accept="application/xml")
    assert [node.get("id") for node in etree.fromstring(found.body)] == ["2801", "2802"]
    assert (await trial.call("GET", f"{CUSTOMER}/9999")).status == 404


@pytest.mark.parametrize("query", ["", "?name=x", "?email=a@b.c&x=1", "?email=a@b.c&$pagesize=76", "?$attribute=all"])
async def test_a_search_for_nothing(trial: Trial, query: str) -> None:
    """A search without a valid criterion is refused."""
    assert (await trial.call("GET", CUSTOMER + query)).status == 400


async def test_permissions(trial: Trial) -> None:
    """Permissions can be changed while the sandbox runs."""
    await trial.call("POST", "/_sandbox/permissions", b'{"search": false, "create": false}')
    assert (await trial.call("GET", f"{CUSTOMER}?email=a@b.c")).status == 403
    assert (await trial.create()).status == 403
    await trial.call("POST", "/_sandbox/permissions", b'{"search": true, "create": true}')
    assert (await trial.call("GET", f"{CUSTOMER}?email=a@b.c")).status == 204
    assert (await trial.create()).status == 201


async def test_configured_values(trial: Trial) -> None:
    """Configured values are listed, one group or all, as JSON and XML; without a group the call is refused."""
    level = await trial.call("GET", f"{CUSTOMER}/attributes?$attribute=level")
    assert level.told["attribute"][0] == {
        "name": "level", "type": "enumeration", "value": ["Premium", "Standard", "Basic"]
    }  # fmt: skip
    every = await trial.call("GET", f"{CUSTOMER}/attributes?$attribute=all", Accept="application/xml")
    names = [node.findtext(f"{COMMON}name") for node in etree.fromstring(every.body)]
    assert "customAttributes.customer.externalid" in names
    assert (await trial.call("GET", f"{CUSTOMER}/attributes")).status == 400


@pytest.mark.parametrize("body", ["json", "xml", "html", "empty", "huge"])
async def test_a_status_instead(trial: Trial, body: Any) -> None:
    """A fault with a status executes nothing, and the next call works."""
    fault = Fault(kind=Kind.STATUS, status=429, headers={"Retry-After": "7"}, body=body, times=1)
    trial.sandbox.faults.add(fault)
    answer = await trial.create()
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert len(trial.sandbox.ledger) == 0
    assert (len(answer.body) > 1_000_000) is (body == "huge")
    assert (await trial.create()).status == 201
    assert [line.fault for line in trial.lines] == [None, "status", None]


async def test_a_status_after_execution(trial: Trial) -> None:
    """A status after the execution: the customer exists."""
    trial.sandbox.faults.add(Fault(kind=Kind.STATUS_AFTER, status=502, body="html"))
    answer = await trial.create()
    assert (answer.status, answer.headers.get("Location")) == (502, None)
    entry = trial.sandbox.ledger[1]
    assert (entry.status, entry.customer_id, entry.reply_lost) == (502, 2801, False)


async def test_a_lost_reply(trial: Trial) -> None:
    """A lost reply: the customer exists, and repeating the event creates a duplicate."""
    match = Match(equals={"firstName": "Lost"})
    trial.sandbox.faults.add(Fault(kind=Kind.REPLY_LOST, match=match, times=1))
    body = individual("Lost", external_id="event-1")
    assert (await trial.create(individual("Other", external_id="event-2"))).status == 201
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await trial.create(body)
    entry = trial.sandbox.ledger[2]
    assert (entry.identity, entry.customer_id, entry.status, entry.reply_lost) == ("event-1", 2802, 201, True)
    assert trial.sandbox.ledger.duplicates == {}
    assert (await trial.create(body)).status == 201
    assert trial.sandbox.ledger.duplicates == {"event-1": 2}


async def test_a_reset(trial: Trial) -> None:
    """A reset connection: nothing is executed."""
    trial.sandbox.faults.add(Fault(kind=Kind.RESET, match=Match(nth=2)))
    assert (await trial.create()).status == 201
    with pytest.raises(aiohttp.ClientConnectionError):
        await trial.create(b" " * 1_000_000)
    assert (await trial.create()).status == 201
    assert len(trial.sandbox.ledger) == 2
    assert trial.lines[2].status == 0


async def test_an_expired_session(trial: Trial) -> None:
    """An expired session stays expired until a new login."""
    trial.sandbox.faults.add(Fault(kind=Kind.EXPIRE_SESSION, match=Match(equals={"firstName": "Jack"}), times=1))
    refused = await trial.create()
    assert (refused.status, refused.told["code"]) == (401, "401-101")
    assert (await trial.create()).status == 401
    await trial.log_in()
    assert (await trial.create()).status == 201
    assert len(trial.sandbox.ledger) == 1


async def test_a_session_that_ends_in_a_login_page(trial: Trial) -> None:
    """A session that ended in a login page redirects every call; a new one works, and an unknown one is a 401."""
    trial.sandbox.faults.add(Fault(kind=Kind.LOGIN_PAGE, times=1))
    for _ in range(2):
        led = await trial.create()
        assert (led.status, led.headers["Location"]) == (302, f"{trial.sandbox.base_url}/system/web/apps/login")
    await trial.log_in()
    assert (await trial.create()).status == 201
    assert (await trial.create(X_egain_session="nobody's")).status == 401
    assert len(trial.sandbox.ledger) == 1


async def test_a_big_head(trial: Trial) -> None:
    """A big head: the customer is created, and an ordinary client cannot read the answer."""
    trial.sandbox.faults.add(Fault(kind=Kind.BIG_HEAD))
    with pytest.raises(aiohttp.ClientError):
        await trial.create()
    assert len(trial.sandbox.ledger) == 1


@pytest.mark.parametrize("kind", [Kind.LOCATION_MISSING, Kind.LOCATION_GARBAGE, Kind.LOCATION_ABSOLUTE])
async def test_another_location(trial: Trial, kind: Kind) -> None:
    """The customer is created, but `Location` is missing, garbled, or absolute."""
    trial.sandbox.faults.add(Fault(kind=kind))
    answer = await trial.create()
    absolute = f"{trial.sandbox.base_url}{CUSTOMER}/2801"
    told = {Kind.LOCATION_MISSING: None, Kind.LOCATION_GARBAGE: "http://[not-a-place", Kind.LOCATION_ABSOLUTE: absolute}
    assert (answer.status, answer.headers.get("Location")) == (201, told[kind])
    assert trial.sandbox.ledger.created == 1


async def test_a_slow_reply(trial: Trial) -> None:
    """A slow reply arrives byte by byte and complete."""
    trial.sandbox.faults.add(Fault(kind=Kind.SLOW, seconds=0.3))
    answer = await trial.create()
    assert (answer.status, answer.headers["Location"]) == (201, f"{CUSTOMER}/2801")
    await trial.until(lambda: len(trial.lines) == 2)
    assert trial.lines[1].fault == "slow"
    assert trial.sandbox.ledger[1].reply_lost is False


async def all_struck(trial: Trial) -> None:
    """Return once every fault has struck."""
    async with asyncio.timeout(DEADLINE):
        while not all(each.hits for each in trial.sandbox.faults.active):
            await asyncio.sleep(0)


async def leave(trial: Trial, body: bytes) -> None:
    """Make a call, and cancel it once the sandbox holds it."""
    calling = asyncio.create_task(trial.create(body))
    await all_struck(trial)
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)


async def test_a_late_execution(trial: Trial) -> None:
    """A call that is cancelled before a late execution is executed all the same."""
    trial.sandbox.faults.add(Fault(kind=Kind.DELAY_BEFORE, seconds=0.3, times=1))
    await leave(trial, individual(external_id="late"))
    assert trial.sandbox.ledger.executions("late") == 0
    await trial.until(lambda: trial.sandbox.ledger.executions("late") == 1)
    assert trial.sandbox.ledger[1].reply_lost is True


async def test_a_late_reply(trial: Trial) -> None:
    """A call that is cancelled before a late reply was executed at once, and its reply is lost."""
    trial.sandbox.faults.add(Fault(kind=Kind.DELAY_AFTER, seconds=0.3, times=1))
    await leave(trial, individual(external_id="early"))
    assert trial.sandbox.ledger.executions("early") == 1
    await trial.until(lambda: len(trial.lines) == 2)
    assert trial.sandbox.ledger[1].reply_lost is True


async def test_a_call_that_hangs(trial: Trial) -> None:
    """A call that hangs ends when the client leaves, and is not executed."""
    trial.sandbox.faults.add(Fault(kind=Kind.HANG))
    await leave(trial, individual())
    await trial.until(lambda: len(trial.lines) == 2)
    assert (trial.lines[1].status, trial.lines[1].fault) == (0, "hang")
    assert len(trial.sandbox.ledger) == 0


@pytest.mark.parametrize("call", ["search", "login", "logout"])
async def test_a_fault_of_another_call(trial: Trial, call: Any) -> None:
    """A fault for one kind of call strikes that kind alone."""
    trial.sandbox.faults.add(Fault(kind=Kind.STATUS, call=call, times=1))
    calls: dict[str, Callable[[], Awaitable[Answer]]] = {
        "create": trial.create,
        "search": lambda: trial.call("GET", f"{CUSTOMER}?email=a@b.c"),
        "login": trial.log_in,
        "logout": lambda: trial.call("DELETE", LOGOUT),
    }
    assert {name: (await made()).status for name, made in calls.items() if (name == call)} == {call: 503}


@pytest.mark.parametrize("mode", ["refuse", "drop"])
async def test_an_outage(trial: Trial, mode: str) -> None:
    """In an outage every call fails but those that control the sandbox."""
    await trial.call("POST", "/_sandbox/outage", orjson.dumps({"mode": mode}))
    for made in (trial.create, trial.log_in):
        try:
            assert (await made()).status == 503
        except aiohttp.ClientConnectionError:
            assert mode == "drop"
    assert len(trial.sandbox.ledger) == 0
    await trial.call("DELETE", "/_sandbox/outage")
    assert (await trial.create()).status == 201


async def test_faults_through_the_control_call(trial: Trial) -> None:
    """Faults can be added, listed and removed by HTTP; a wrong one is named by its field."""
    spec = {"faults": [{"kind": "status", "status": 418, "match": {"nth": 1}}]}
    assert (await trial.call("POST", "/_sandbox/faults", orjson.dumps(spec))).told == {"added": [1]}
    assert (await trial.create()).status == 418
    seen = (await trial.call("GET", "/_sandbox/faults")).told
    assert seen["faults"][0]["hits"] == 1
    wrong = await trial.call("POST", "/_sandbox/faults", b'{"kind": "status", "status": "soon"}')
    assert (wrong.status, wrong.told["message"].startswith("faults[0].status: ")) == (400, True)
    assert (await trial.call("DELETE", "/_sandbox/faults")).told == {"removed": 1}


async def test_the_ledger_through_the_control_call(trial: Trial) -> None:
    """The ledger is read in pages and by filters, with the executions of each identity."""
    for identity in ("a", "b", "a", "c"):
        await trial.create(individual(external_id=identity))
    await trial.create(b"{}")
    page: Any = (await trial.call("GET", "/_sandbox/ledger?limit=3")).told
    assert ([each["sequence"] for each in page["entries"]], page["next"], page["total"]) == ([1, 2, 3], 3, 5)
    assert page["executions"] == {"a": 2, "b": 1}
    rest: Any = (await trial.call("GET", "/_sandbox/ledger?after=3&created=false")).told
    assert ([each["status"] for each in rest["entries"]], rest["next"]) == ([400], None)
    assert (await trial.call("GET", "/_sandbox/ledger?name=x")).status == 400
    summary: Any = (await trial.call("GET", "/_sandbox/summary")).told
    assert (summary["customers"], summary["identities"], summary["duplicated"]) == (4, 3, {"a": 2})


async def test_sessions_that_expire_on_request(trial: Trial) -> None:
    """Sessions can be made to expire by HTTP."""
    assert (await trial.call("POST", "/_sandbox/sessions/expire")).told == {"expired": 1}
    assert (await trial.create()).status == 401


@pytest.mark.parametrize("path", ["/_sandbox/nothing", "/", "/system/ws/v13/interaction/customer", f"{CUSTOMER}/x"])
async def test_a_path_that_is_not_there(trial: Trial, path: str) -> None:
    """An unknown path is a 400 or 404."""
    assert (await trial.call("GET", path)).status in {400, 404}


async def test_a_method_that_is_not_there(trial: Trial) -> None:
    """A wrong method is a 405 that names the allowed ones."""
    answer = await trial.call("DELETE", CUSTOMER)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, GET")


async def test_what_is_printed(trial: Trial) -> None:
    """Printed lines have no body, query or session id."""
    await trial.create(individual("Secretive", email="a@b.c"))
    await trial.call("GET", f"{CUSTOMER}?email=a@b.c")
    await trial.until(lambda: len(trial.lines) == 3)
    printed = "\n".join(map(str, trial.lines))
    assert "POST /system/ws/v12/interaction/customer 201 customer=2801 s1 " in printed
    assert not any(secret in printed for secret in ("Secretive", "a@b.c", trial.headers["X-egain-session"]))


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
        b"GET\r\n\r\n",
        b"POST /system HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST " + CUSTOMER.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        bytes(range(256)) * 8,
    ],
)
async def test_garbage(trial: Trial, garbage: bytes) -> None:
    """After garbage on a connection the next call works."""
    host, port = trial.sandbox.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(garbage)
    writer.write_eof()
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(reader.read(), return_exceptions=True)
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    assert (await trial.create()).status == 201


async def test_a_body_that_is_too_large(trial: Trial) -> None:
    """A body that is too large is refused and not executed."""
    try:
        assert (await trial.create(io.BytesIO(b" " * (1024 * 1024 + 1)))).status == 413
    except aiohttp.ClientConnectionError:
        assert len(trial.sandbox.ledger) == 0
    assert (await trial.create()).status == 201


async def test_a_full_sandbox() -> None:
    """A full ledger: the call is refused, and nothing is created."""
    async with a_trial(SandboxConfig(max_customers=1)) as trial:
        await trial.log_in()
        assert [(await trial.create()).status for _ in range(2)] == [201, 503]
        assert trial.sandbox.ledger.created == 1


async def test_a_port_that_is_taken() -> None:
    """A port in use is named in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"127.0.0.1:{port}"):
            async with sandbox_api(SandboxConfig(port=port)):
                pytest.fail("it listens")


async def test_a_stop_under_way() -> None:
    """A stop ends calls that wait; those not executed yet never are."""
    kinds = {Kind.HANG: None, Kind.DELAY_BEFORE: 600.0, Kind.DELAY_AFTER: 600.0, Kind.SLOW: 600.0}
    faults = [Fault(kind=k, seconds=s, match=Match(equals={"firstName": k})) for k, s in kinds.items()]
    async with aiohttp.ClientSession() as client:
        async with a_trial(None, *faults) as trial:
            await trial.log_in()
            url = trial.sandbox.base_url + CUSTOMER
            calls = [
                asyncio.create_task(_status(client, url, individual(kind, external_id=kind), trial.headers))
                for kind in kinds
            ]
            await all_struck(trial)
        async with asyncio.timeout(DEADLINE):
            assert await asyncio.gather(*calls) == [0, 0, 0, 0]
    executions = [trial.sandbox.ledger.executions(kind) for kind in kinds]
    assert executions == [0, 0, 1, 1]
    assert trial.sandbox.ledger.replies_lost == 2


async def _status(client: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        async with client.post(url, data=body, headers=headers) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


SCRIPT = """
[[faults]]                       # the session has expired: 401 first
kind = "expire_session"
match.equals = { firstName = "Ellen" }
times = 1

[[faults]]                       # refused for now: 503 first
kind = "status"
status = 503
headers = { Retry-After = "1" }
match.equals = { firstName = "Uma" }
times = 1

[[faults]]                       # created, and nobody hears of it
kind = "reply_lost"
match.equals = { pin = "0451" }
times = 1
"""


async def test_a_script_of_faults(tmp_path: Path) -> None:
    """Faults from a file strike their own events once, in any order."""
    path = tmp_path / "faults.toml"
    path.write_text(SCRIPT)
    async with a_trial(None, *load_faults(path)) as trial:
        await trial.log_in()
        lost = individual("Lou", external_id="lost")[:-1] + b', "pin": "0451"}'
        assert [(await trial.create(individual("Uma"))).status for _ in range(2)] == [503, 201]
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await trial.create(lost)
        assert [(await trial.create(individual("Ellen"))).status for _ in range(2)] == [401, 401]
        await trial.log_in()
        assert (await trial.create(individual("Ellen"))).status == 201
        assert (trial.sandbox.ledger.executions("lost"), trial.sandbox.ledger.created) == (1, 3)


class Screen(io.StringIO):
    """Keeps what is printed, and notes when it says how to end the command."""

    def __init__(self) -> None:
        super().__init__()
        self.introduced = asyncio.Event()

    def write(self, text: str) -> int:
        if "Ctrl-C" in text:
            self.introduced.set()
        return super().write(text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command(number: signal.Signals) -> None:
    """The command says how to use it, prints a line for each call, and sums up when it is interrupted."""
    screen = Screen()
    running = asyncio.create_task(run_sandbox(SandboxConfig(), console=Console(file=screen, width=120)))
    async with asyncio.timeout(DEADLINE):
        await screen.introduced.wait()
        address = re.search(r"http://\S+:\d+", screen.getvalue())
        assert address is not None
        async with aiohttp.ClientSession() as client:
            body = orjson.dumps({"userName": DEFAULT_USER, "password": DEFAULT_PASSWORD})
            headers = {"Content-Type": "application/json"}
            assert await _status(client, address.group() + LOGIN, body, headers) == 204
        os.kill(os.getpid(), number)
        await running
    printed = screen.getvalue()
    assert f"user {DEFAULT_USER}  password {DEFAULT_PASSWORD}" in printed
    assert f"POST {LOGIN} 204 s1" in printed
    assert "duplicates" in printed
