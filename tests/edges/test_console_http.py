"""The console over HTTP: who gets which answer to which request."""

import asyncio
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import product
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict
from patience import PATIENCE, until

from worker import wiring
from worker.console import pages
from worker.console.serve import LOOPBACK, guarded
from worker.console.sources import Sources
from worker.console.web import entering, parts
from worker.console.web.answers import Moved, NotNow, Page, Raw
from worker.console.web.guard import Guard, Proxy, Token
from worker.console.web.rights import Right
from worker.console.web.routes import Route
from worker.console.web.server import CSP, LARGEST_FORM, Served, serving
from worker.model.errors import KafkaUnavailable
from worker.settings.console import ConsoleGroup
from worker.settings.settings import Settings

SECRET = "token-of-a-test-1"
TOKEN = Token(SECRET)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SAFE = {"GET", "HEAD"}
FOREIGN = "evil.example.com"
ROUTES = (*pages.ROUTES, *entering.routes(TOKEN))
EVERYTHING = frozenset(Right)
RIGHTS = {
    "all": EVERYTHING,
    "view": frozenset({Right.ENTER, Right.VIEW}),
    **{f"all but {right.value}": EVERYTHING - {right} for right in Right if right not in {Right.ENTER, Right.VIEW}},
}


async def answered(_):
    return Raw(b"ok", "text/plain")


def sources() -> Sources:
    """Sources that hold nothing: no handler of these tests asks them."""
    settings = Settings()
    nothing: Any = None
    given = dict.fromkeys(Sources.__dataclass_fields__, nothing)
    return Sources(**{**given, "settings": settings, "plan": wiring.plan(settings)})


@asynccontextmanager
async def served(routes, entry: Token | Proxy = TOKEN, rights=EVERYTHING, prefix=""):
    """(a client session, the console's port)."""
    console = Served(sources(), Guard(LOOPBACK, entry, rights), tuple(routes), prefix)
    jar = aiohttp.DummyCookieJar()
    async with (
        serving(console, "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as session,
    ):
        yield session, port


def cookie(token=TOKEN):
    return {"Cookie": f"customer-worker-console={token.cookie()}"}


def of_every_route():
    """Every route of the console, with a handler that answers `ok`."""
    return [replace(route, handler=answered) for route in ROUTES]


def path_of(route):
    return route.path.replace("{", "").replace("}", "")


@dataclass(frozen=True)
class Tried:
    """One request, by its route, method and headers."""

    route: Route
    method: str
    known: bool
    host: str
    origin: str | None = None
    site: str | None = None

    def headers(self) -> dict[str, str]:
        given = {"Host": self.host, "Origin": self.origin, "Sec-Fetch-Site": self.site}
        if self.method == "POST":
            given["Content-Type"] = "application/x-www-form-urlencoded"
        return {name: value for name, value in given.items() if value} | (cookie() if self.known else {})

    def expected(self, rights: Collection[Right]) -> int:
        """The status that is right for it, decided here without the console's code."""
        if self.host == FOREIGN:
            return 403
        own = self.site == "same-origin" if self.site else self.origin == f"http://{self.host}"
        if self.method not in SAFE and not own:
            return 403
        method = "GET" if self.method == "HEAD" else self.method
        declared = [each for each in ROUTES if (each.path, each.method) == (self.route.path, method)]
        right = declared[0].right if declared else Right.VIEW
        if right is not Right.ENTER and not self.known:
            return 401
        return 403 if right not in rights else 200 if declared else 405


def tried(port: int) -> Iterator[Tried]:
    """Every route and method, with and without the token, by both host names, and for POST from every origin."""
    ours = f"127.0.0.1:{port}"
    origins = (None, f"http://{ours}", f"http://{FOREIGN}", "null")
    sites = (None, "same-origin", "same-site", "cross-site", "none")
    paths = {route.path: route for route in ROUTES}
    for route, method, known, host in product(paths.values(), METHODS, (True, False), (ours, FOREIGN)):
        both = [(None, None)] if method in SAFE else [(None, None), (origins[1], None), (origins[2], sites[3])]
        for origin, site in product(origins, sites) if method == "POST" else both:
            yield Tried(route, method, known, host, origin, site)


async def wrongly(session, asked: Iterable[Tried], rights: Collection[Right]) -> list[tuple[Tried, int]]:
    """The requests that got another status than they should, or lacked the security headers."""
    wrong = []
    for each in asked:
        path = path_of(each.route)
        async with session.request(each.method, path, headers=each.headers(), allow_redirects=False) as answer:
            if answer.status != each.expected(rights) or answer.headers["Content-Security-Policy"] != CSP:
                wrong.append((each, answer.status))
    return wrong


async def test_every_route_by_every_way():
    """Every combination of route, method, host, origin and token gets the right status."""
    async with served(of_every_route()) as (session, port):
        assert await wrongly(session, tried(port), EVERYTHING) == []


@pytest.mark.parametrize("named", RIGHTS)
async def test_every_route_by_every_right(named):
    """With each set of rights exactly the routes of these rights answer."""
    async with served(of_every_route(), rights=RIGHTS[named]) as (session, port):
        ours = f"127.0.0.1:{port}"
        asked = [Tried(route, route.method, host=ours, origin=f"http://{ours}", known=True) for route in ROUTES]
        assert await wrongly(session, asked, RIGHTS[named]) == []


def test_every_route_declares_its_right():
    """Without a token only files, the probe and the way in are open; nothing is changed by a GET."""
    open_to_all = {route.path for route in ROUTES if route.right is Right.ENTER}
    assert open_to_all == {"/style.css", "/fresh.js", "/icon.svg", "/livez", "/enter"}
    assert {route.method for route in ROUTES} <= {"GET", "POST"}
    with pytest.raises(TypeError):
        Route("GET", "/x", handler=answered)  # type: ignore[call-arg]


async def test_what_is_not_there():
    """An unknown path is a 404 for those with the token and a 401 for others, with the same security headers."""
    async with served(of_every_route()) as (session, _):
        async with session.get("/nothing", headers=cookie()) as answer:
            assert (answer.status, answer.headers["X-Frame-Options"]) == (404, "DENY")
        async with session.get("/nothing") as answer:
            assert answer.status == 401
        async with session.get("/../../etc/passwd", headers=cookie()) as answer:
            assert answer.status == 404


@pytest.mark.parametrize("path", ["/style.css", "/fresh.js", "/icon.svg"])
async def test_files(path):
    """A file has an ETag and is not sent again where it has not changed; no other file can be reached."""
    async with served(pages.ROUTES) as (session, _):
        async with session.get(path) as answer:
            assert answer.status == 200
            etag = answer.headers["ETag"]
        async with session.get(path, headers={"If-None-Match": etag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with session.get(f"{path}/../../settings/settings.py", headers=cookie()) as answer:
            assert answer.status == 404


async def test_the_way_in():
    """By link and by form the right token gives a cookie for the console's own path that scripts cannot read."""
    async with served(entering.routes(TOKEN), prefix="/w") as (session, port):
        own = {"Origin": f"http://127.0.0.1:{port}"}
        for asking in (
            session.get("/w/enter", params={"token": SECRET, "to": "/letters"}),
            session.post("/w/enter", data={"token": f" {SECRET} ", "to": "/letters"}, headers=own),
        ):
            async with asking as answer:
                given = answer.cookies["customer-worker-console"]
                told = (given["path"], given["httponly"], given["samesite"], given["secure"], given["max-age"])
                assert told == ("/w/", True, "Strict", "", "43200")
                assert 'content="0; url=/w/letters"' in await answer.text()
        async with session.get("/w/enter", params={"token": "x"}) as answer:
            assert (answer.status, dict(answer.cookies)) == (403, {})
        async with session.get("/w/enter", params={"token": SECRET, "to": "//evil.example.com"}) as answer:
            assert "evil" not in await answer.text()
        async with session.get("/enter", params={"token": SECRET}, headers=cookie()) as answer:
            assert answer.status == 404


async def test_a_cookie_over_tls():
    """Where a proxy speaks TLS to the browser the cookie is marked as secure."""
    async with served(entering.routes(TOKEN)) as (session, _):
        proto = {"X-Forwarded-Proto": "https"}
        async with session.get("/enter", params={"token": SECRET}, headers=proto) as answer:
            assert answer.cookies["customer-worker-console"]["secure"]


async def test_a_link_from_elsewhere():
    """A link from another site comes without the strict cookie: the page asks again by itself, with the cookie."""
    shown = Route("GET", "/letters/{place}", Right.VIEW, answered)
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with served([shown]) as (session, _):
        async with session.get("/letters/0@1?a=b", headers=elsewhere) as answer:
            assert (answer.status, 'url=/letters/0@1?a=b"' in await answer.text()) == (200, True)
        async with session.get("/letters/0@1", headers=elsewhere | cookie()) as answer:
            assert await answer.read() == b"ok"
        async with session.get("/letters/0@1?a=b") as answer:
            assert (answer.status, 'value="/letters/0@1?a=b"' in await answer.text()) == (401, True)


@pytest.mark.parametrize("prefix", ["", "/w"])
@pytest.mark.parametrize(
    "target",
    [
        f"//{FOREIGN}/x",
        f"/\\{FOREIGN}/x",
        f"/%2F/{FOREIGN}/x",
        f"///{FOREIGN}",
        f"/%5C{FOREIGN}",
        "/nothing",
    ],
)
async def test_a_link_from_elsewhere_to_what_is_not_ours(prefix, target):
    """A link from another site never leads to a foreign address: the answer is the form for the token."""
    shown = Route("GET", "/letters/{place}", Right.VIEW, answered)
    async with served([shown, *entering.routes(TOKEN)], prefix=prefix) as (_, port):
        told = await sent(port, prefix + target)
    assert told.startswith("HTTP/1.1 401 ")
    assert "refresh" not in told
    for address in re.findall('(?:href|action)="([^"#][^"]*)"', told):
        assert entering.is_ours(address)


async def sent(port: int, target: str, *headers: str, body: str = "", method: str = "GET") -> str:
    """Send these very bytes and return the answer; each character stands for one byte."""
    elsewhere = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    head = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *(headers or elsewhere)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    length = [f"Content-Length: {len(body)}"] if body else []
    writer.write("\r\n".join((*head, *length, "", body)).encode("latin-1"))
    async with asyncio.timeout(PATIENCE):
        told = await reader.read()
    writer.close()
    return told.decode(errors="replace")


FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("headers", "body", "by_form", "known"),
    [
        ([f"{FORM};charset=nope"], "token=1", 400, 400),
        ([f"{FORM};charset=rot13"], "token=1", 400, 400),
        ([f"{FORM};charset=utf-16"], "token=1", 400, 400),
        ([f"{FORM};charset=utf-7"], "token=+2AA-", 400, 400),
        ([FORM], "token=\xff", 400, 400),
        ([FORM, "Content-Encoding: gzip"], "token=1", 400, 400),
        ([FORM], "token=%ff%ed%a0%80", 403, 200),
        ([f"{FORM}; charset=UTF-8"], "token=1", 403, 200),
        ([FORM, "Cookie: customer-worker-console=123.\xff\xfe"], "token=1", 403, 401),
        ([FORM, "Origin: http://[::1"], "token=1", 403, 403),
        ([FORM, "Origin: \xff"], "token=1", 403, 403),
    ],
)
async def test_what_no_browser_sends(told, headers, body, by_form, known):
    """Broken forms and headers are refused with 4xx, at the way in and at a page, and log no error of the console."""
    shown = Route("POST", "/x", Right.REPLAY, answered)
    given = "".join(headers)
    own = [] if "Origin" in given else ["Sec-Fetch-Site: same-origin"]
    cookies = [] if "Cookie" in given else [f"Cookie: {cookie()['Cookie']}"]
    async with served([shown, *entering.routes(TOKEN)]) as (_, port):
        answers = [
            await sent(port, "/enter", *own, *headers, body=body, method="POST"),
            await sent(port, "/x", *own, *headers, *cookies, body=body, method="POST"),
        ]
    assert [int(each.split()[1]) for each in answers] == [by_form, known]
    assert all("Content-Security-Policy" in each for each in answers)
    assert "page.crashed" not in {line["event"] for line in told}


async def test_somebody_who_leaves(told):
    """A client that leaves in the middle of a form is no error of the console."""
    judged = asyncio.Event()

    def clock():
        judged.set()
        return 0.0

    token = Token(SECRET, clock)
    known = f"Cookie: {cookie(token)['Cookie']}"
    judged.clear()
    async with served([Route("POST", "/x", Right.REPLAY, answered)], token) as (_, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = ("POST /x HTTP/1.1", "Host: localhost", "Sec-Fetch-Site: same-origin", known, FORM, "Content-Length: 99")
        writer.write("\r\n".join((*head, "", "a=")).encode())
        await judged.wait()
        writer.close()
        await until(lambda: bool(told))
    assert [(line["event"], line["status"]) for line in told] == [("page.refused", 400)]


async def test_behind_a_proxy():
    """With a trusted proxy only its requests are answered, for the one user it names; there is no token."""
    who = []

    async def told(asked):
        who.append(asked.who.name)
        return Raw(b"", "text/plain")

    shown = Route("GET", "/", Right.VIEW, told)
    async with served([shown], Proxy("X-User", (ip_network("127.0.0.0/8"),))) as (session, _):
        async with session.get("/", headers={"X-User": "ada"}) as answer:
            assert answer.status == 200
        async with session.get("/", headers=cookie()) as answer:
            assert answer.status == 401
        async with session.get("/", headers=CIMultiDict([("X-User", "eve"), ("X-User", "ada")])) as answer:
            assert answer.status == 401
    async with (
        served([shown], Proxy("X-User", (ip_network("10.0.0.0/8"),))) as (session, _),
        session.get("/", headers={"X-User": "ada"}) as answer,
    ):
        assert answer.status == 403
    assert who == ["ada"]


async def test_somebody_without_the_right(told):
    """Who lacks the right is refused, and named in the log where the proxy says who it is."""
    form = Route("POST", "/x", Right.PAYLOAD, answered)
    proxy = Proxy("X-User", (ip_network("127.0.0.0/8"),))
    async with served([form], proxy, RIGHTS["view"]) as (session, _):
        headers = {"X-User": "ada", "Sec-Fetch-Site": "same-origin"}
        async with session.post("/x", data={"a": "1"}, headers=headers) as answer:
            assert (answer.status, "ada: view" in await answer.text()) == (403, True)
        async with session.post("/x", data={"a": "1"}, headers={"X-User": "ada"}) as answer:
            assert answer.status == 403
    assert [(line["event"], line["status"], line["by"]) for line in told] == [
        ("page.refused", 403, "ada"),
        ("page.refused", 403, "nobody"),
    ]


async def test_what_is_posted():
    """A form of texts up to a size is read; another type is a 415, a larger one a 413."""
    got = []

    async def take(asked):
        got.append(dict(asked.form))
        return Moved(asked.link("/done", n=1))

    async with served([Route("POST", "/x", Right.REPLAY, take)], prefix="/p") as (session, port):
        headers = cookie() | {"Origin": f"http://127.0.0.1:{port}"}
        async with session.post("/p/x", data={"a": "1", "b": "<"}, headers=headers, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/p/done?n=1")
        async with session.post("/p/x", json={"a": 1}, headers=headers) as answer:
            assert answer.status == 415
        async with session.post("/p/x", data={"a": "1" * LARGEST_FORM}, headers=headers) as answer:
            assert answer.status == 413
    assert got == [{"a": "1", "b": "<"}]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KafkaUnavailable("no broker"), 503, "no broker"),
        (NotNow("somebody else"), 409, "somebody else"),
        (TimeoutError(), 504, "too long"),
        (ValueError("ada@example.com"), 500, "an error of the console"),
    ],
)
async def test_a_page_that_fails(error, status, text):
    """A page that fails says what can be done, and nothing of an unforeseen error's text."""

    async def fail(_):
        raise error

    async with (
        served([Route("GET", "/x", Right.VIEW, fail)]) as (session, _),
        session.get("/x", headers=cookie()) as answer,
    ):
        shown = await answer.text()
        assert (answer.status, text in shown, "ada@" in shown) == (status, True, False)
        assert answer.headers["Content-Security-Policy"] == CSP


async def test_a_form_that_fails():
    """A failed form offers no link to an address that only takes forms, and neither does the form for the token."""

    async def fail(_):
        raise NotNow("somebody else")

    async with served([Route("POST", "/x", Right.REPLAY, fail)], prefix="/p") as (session, port):
        own = {"Origin": f"http://127.0.0.1:{port}"}
        async with session.post("/p/x?run=1", data={"a": "1"}, headers=own | cookie()) as answer:
            shown = await answer.text()
            assert (answer.status, "Go back" in shown, 'href=""' in shown) == (409, True, False)
        async with session.post("/p/x?run=1", data={"a": "1"}, headers=own) as answer:
            shown = await answer.text()
            assert (answer.status, 'name="to" value="/"' in shown, "run=1" in shown) == (401, True, False)


async def test_a_page_that_cannot_be_rendered():
    """A page whose rendering fails is a 500 with the security headers."""

    async def shown(_):
        return Page("t", (str(1 / 0) for _ in range(1)))

    async with (
        served([Route("GET", "/x", Right.VIEW, shown)]) as (session, _),
        session.get("/x", headers=cookie()) as answer,
    ):
        assert (answer.status, answer.headers["X-Frame-Options"]) == (500, "DENY")


async def test_a_page_that_takes_too_long():
    """A page that takes longer than its limit is a 504."""

    async def wait(_):
        await asyncio.Event().wait()

    async with (
        served([Route("GET", "/x", Right.VIEW, wait, within=0.01)]) as (session, _),
        session.get("/x", headers=cookie()) as answer,
    ):
        assert answer.status == 504


async def test_numbers_of_a_page():
    """For JSON a page's address gives its numbers alone, and 304 where they have not changed."""

    async def shown(_):
        return Page("t", parts.number("a", 5, "good"), is_fresh=True)

    async with served([Route("GET", "/x", Right.VIEW, shown)]) as (session, _):
        headers = cookie() | {"Accept": "application/json"}
        async with session.get("/x", headers=headers) as answer:
            assert (await answer.json())["numbers"] == {"a": ["5", "good"]}
            headers["If-None-Match"] = answer.headers["ETag"]
            assert answer.headers["Cache-Control"] == "no-store"
        async with session.get("/x", headers=headers) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (304, "no-store")


async def test_numbers_of_a_page_that_leads_elsewhere_now():
    """Where a page would redirect now, its script gets empty numbers instead of a redirect."""

    async def moved(asked):
        return Moved(asked.link("/y"))

    async with served([Route("GET", "/x", Right.VIEW, moved)]) as (session, _):
        headers = cookie() | {"Accept": "application/json"}
        async with session.get("/x", headers=headers, allow_redirects=False) as answer:
            assert (answer.status, (await answer.json())["numbers"]) == (200, {})
        async with session.get("/x", headers=cookie(), allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/y")


def test_the_defaults_of_the_settings():
    """By default only this machine is served, with no right but to look."""
    given = ConsoleGroup()
    assert (given.host, given.port, given.prefix) == ("127.0.0.1", 8081, "")
    assert guarded(given).rights == {Right.ENTER, Right.VIEW}
