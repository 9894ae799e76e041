"""What each answer of the API means when it comes over a real socket, with every kind of body."""

import asyncio
import gzip

import pytest
from misbehaving import Peer, answering, holding_on, logged_in, misbehaving, saying
from patience import PATIENCE
from yarl import URL

from worker.customer_api import Access, Credentials, customer_api
from worker.customer_api.connector import MAX_HEAD, MAX_LINES
from worker.customer_api.http import MAX_BODY, pooled
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import CreatedIdUnknown, LoginRefused, OutcomeUnknown, RefusedForNow
from worker.model.outcomes import Failed, Succeeded

INDIVIDUAL = Traits("individual")
COMMAND = CreateCustomer(Request("test", "1"), INDIVIDUAL, b"{}")
LOCATION = "Location: /system/ws/v12/interaction/customer/2801\r\n"


def alone(*script):
    """A client that has one connection at a time."""
    return logged_in(*script, pool_size=1)


async def meaning(api):
    """The outcome of a creation, as a word or a class."""
    try:
        outcome = await api.create(COMMAND)
    except (RefusedForNow, OutcomeUnknown, LoginRefused) as error:
        return type(error)
    return outcome.reason.code if isinstance(outcome, Failed) else Succeeded


NAMED = {
    201: Succeeded,
    400: "rejected",
    401: LoginRefused,
    403: "forbidden",
    408: RefusedForNow,
    429: RefusedForNow,
    303: OutcomeUnknown,
    503: RefusedForNow,
}


def expected(status):
    """The outcome by the documentation's table (docs: guarantees, what an answer means)."""
    return NAMED.get(status, "refused" if 300 <= status < 500 else OutcomeUnknown)


async def test_every_status():
    """Each status from 200 to 600 means what the table says; a 5xx that it does not name is unknown, as 502 is."""
    status = 0

    async def with_status(peer: Peer):
        while True:
            head = await peer.request()
            login = b"/user/login" in head
            say = f"204 X\r\nX-egain-session: s{status}" if login else f"{status} X\r\n{LOCATION}Content-Length: 0"
            await peer.say(f"HTTP/1.1 {say}\r\n\r\n".encode())

    async with alone(*[with_status] * 1000) as (api, _):
        for status in [*range(200, 600), 600, 999]:
            assert (status, await meaning(api)) == (status, expected(status))


async def test_an_interim_answer():
    """Interim answers (1xx) do not count: the answer after them does."""
    async with alone(saying(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\n\r\nHTTP/1.1 400 X\r\n\r\n")) as (
        api,
        _,
    ):
        assert await meaning(api) == "rejected"


def whole(body, *headers):
    lines = [f"Content-Length: {len(body)}", *headers]
    return answering, ["\r\n".join(lines).encode() + b"\r\n\r\n" + body]


def broken(*pieces):
    return saying, pieces


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ERROR = b'{"code": "400-101", "developerMessage": "x"}'
BODIES = {
    "json": whole(ERROR),
    "xml": whole(b'<error xmlns="urn:x"><code>400-101</code></error>'),
    "the other xml": whole(b'<Error xmlns="urn:x"><message>no</message></Error>'),
    "html": whole(b"<html>no</html>", "Content-Type: text/html"),
    "empty": whole(b""),
    "huge": whole(b"x" * 1024 * 1024),
    "wrong charset": whole("ä".encode("latin-1") * 100, "Content-Type: application/json; charset=utf-8"),
    "unknown charset": whole(ERROR, "Content-Type: application/json; charset=klingon"),
    "broken content type": whole(ERROR, "Content-Type: ;;;/"),
    "says gzip and is not": whole(ERROR, "Content-Encoding: gzip"),
    "says deflate and is not": whole(ERROR, "Content-Encoding: deflate"),
    "says br and is not": whole(ERROR, "Content-Encoding: br"),
    "an unknown encoding": whole(ERROR, "Content-Encoding: rot13"),
    "a bomb": whole(gzip.compress(b"x" * 10_000_000), "Content-Encoding: gzip"),
    "cut by length": broken(b"Content-Length: 100\r\n\r\nhalf"),
    "cut in a chunk": broken(CHUNKED + b"64\r\nhalf"),
    "cut between chunks": broken(CHUNKED + b"4\r\nhalf\r\n"),
    "until the end": broken(b"\r\n" + ERROR),
    "garbage after the body": broken(b"Content-Length: 2\r\n\r\nokgarbage"),
    "garbage after no body": broken(b"Content-Length: 0\r\n\r\ngarbage"),
}
ENDLESS = {
    "garbage for a chunk": broken(CHUNKED + b"zz\r\nno chunk"),
    "garbage after a chunk": broken(CHUNKED + b"4\r\nhalf\r\nzz\r\n"),
    "garbage later": broken(CHUNKED, b"zz\r\nno chunk"),
}


@pytest.mark.parametrize("status", [201, 400, 502, 503])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_body(body, status):
    """Whatever the body, the status keeps its meaning, and the pool's one connection place stays usable."""
    behave, (first, *more) = body
    head = f"HTTP/1.1 {status} X\r\n{LOCATION}".encode()
    async with alone(behave(head + first, *more)) as (api, _):
        assert await meaning(api) == expected(status)
        assert await meaning(api) == Succeeded


@pytest.mark.parametrize("status", [201, 400])
@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_body_that_aiohttp_waits_for_in_vain(body, status):
    """Broken chunks, whose end aiohttp cannot tell: the reading is given up, and the status counts."""
    await test_a_body(body, status)


@pytest.mark.parametrize("status", [201, 400])
async def test_a_body_that_never_comes(status):
    """A body that never comes: the reading is given up, and the status counts."""
    head = f"HTTP/1.1 {status} X\r\n{LOCATION}Content-Length: 100\r\n\r\n".encode()
    async with alone(holding_on(head)) as (api, _):
        assert await meaning(api) == expected(status)
        assert await meaning(api) == Succeeded


async def test_a_body_for_diagnosis():
    """A body that only explains an error has a time limit of its own, far shorter than the request's."""
    head = b"HTTP/1.1 400 X\r\nContent-Length: 100\r\n\r\nhalf"
    access = Access("http://127.0.0.1", connect_timeout=60, request_timeout=60)
    async with misbehaving(holding_on(head)) as server, pooled(access) as http, asyncio.timeout(PATIENCE):
        answer = await http.request("GET", URL(server.url), {}, body_within=0.05)
        assert (answer.status, answer.body, answer.whole) == (400, b"half", False)


async def test_a_body_without_end():
    """Of a body without end 64 KiB are read; then the connection is closed."""
    stopped = asyncio.Event()

    async def endless(peer: Peer):
        await peer.head()
        try:
            await peer.say(b"HTTP/1.1 400 X\r\n\r\n")
            while True:
                await peer.say(b"x" * 65536)
        except ConnectionError:
            stopped.set()

    async with misbehaving(endless) as server, pooled(Access(server.url)) as http:
        answer = await http.request("GET", Access(server.url).url("/x"), {})
        assert (answer.status, len(answer.body), answer.whole) == (400, MAX_BODY, False)
        await asyncio.wait_for(stopped.wait(), PATIENCE)


async def test_an_answer_before_the_request_was_read():
    """A refusal that comes before the whole request was sent, as gateways do it, is a refusal."""

    async def early(peer: Peer):
        await peer.head()
        await peer.say(b"HTTP/1.1 413 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await peer.gone()

    large = CreateCustomer(Request("test", "2"), INDIVIDUAL, b" " * 1024 * 1024)
    async with alone(early) as (api, _):
        outcome = await api.create(large)
        assert isinstance(outcome, Failed)
        assert outcome.reason.code == "refused"
        assert await meaning(api) == Succeeded


async def test_an_error_code():
    """Of an error's body only the code is kept."""
    async with alone(saying(b"HTTP/1.1 400 X\r\n" + BODIES["json"][1][0])) as (api, _):
        outcome = await api.create(COMMAND)
        assert isinstance(outcome, Failed)
        assert outcome.reason.http is not None
        assert outcome.reason.http.error_code == "400-101"


@pytest.mark.parametrize(
    ("headers", "customer_id"),
    [
        ("Location: /a/interaction/customer/2801\r\n", "2801"),
        ("location: customer/2801/\r\n", "2801"),
        ("Location: /a/interaction/customer/2801?x=1\r\n", "2801"),
        ("Location: http://127.0.0.1:{port}/a/interaction/customer/2801\r\n", "2801"),
        ("Location: /a/interaction/customer/2801\r\nLOCATION: /a/interaction/customer/2801\r\n", "2801"),
        ("Location: /a/interaction/customer/2801\r\nLocation: /a/interaction/customer/2802\r\n", None),
        ("Location: https://elsewhere/a/interaction/customer/2801;jsessionid=A1.n?x=1\r\n", "2801"),
        ("Location: \r\n", None),
        ("Location: http://[\r\n", None),
        ("Location: /a/interaction/customer/\xff\r\n", None),
        ("Location: /a/interaction/customer/%0d%0a\r\n", None),
        ("Location: /a/interaction/customer/" + "9" * 65 + "\r\n", None),
        ("", None),
    ],
)
async def test_a_location(headers, customer_id):
    """A `Location` gives one customer id, or none; the customer is created in either case."""
    async with misbehaving() as server:
        raw = f"HTTP/1.1 201 Created\r\n{headers.replace('{port}', str(server.port))}Content-Length: 0\r\n\r\n"
        async with customer_api(Access(server.url), Credentials("user", "secret")) as api:
            await api.log_in()
            server.script.append(saying(raw.encode("latin-1")))
            try:
                outcome = await api.create(COMMAND)
            except CreatedIdUnknown:
                outcome = None
        assert (outcome.customer_id if isinstance(outcome, Succeeded) else None) == customer_id


def padded(size, lines=2, rest=LOCATION):
    """The head of an answer of that many bytes in that many lines, without a body."""
    lines_of = [f"X-{number}: " for number in range(lines - 2)]
    fixed = len("Content-Length: 0\r\n" + rest + "\r\n") + sum(len(line) + 2 for line in lines_of)
    each, more = divmod(size - fixed, max(1, len(lines_of)))
    padding = "".join(f"{line}{'x' * (each + (more if not number else 0))}\r\n" for number, line in enumerate(lines_of))
    return f"{padding}Content-Length: 0\r\n{rest}\r\n".encode()


CREATED_LINE = b"HTTP/1.1 201 Created\r\n"


@pytest.mark.parametrize(("size", "lines"), [(9_300, 3), (60_000, 3), (20_000, 300), (MAX_HEAD - 22, 500)])
@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_big_head(size, lines, pieces):
    """A head of many thousand bytes or hundreds of lines is read, with the customer's id at its end."""
    raw = CREATED_LINE + padded(size, lines)
    assert len(raw) <= MAX_HEAD
    step = -(-len(raw) // pieces)
    async with alone(saying(*(raw[at : at + step] for at in range(0, len(raw), step)))) as (api, _):
        assert await api.create(COMMAND) == Succeeded("2801", LOCATION[10:-2], "individual", 0)


@pytest.mark.parametrize(("size", "lines"), [(MAX_HEAD + 1, 3), (1_000_000, 30), (20_000, MAX_LINES + 10)])
async def test_a_head_without_bounds(size, lines):
    """A head beyond the limits is not read to its end: the outcome is unknown, and the next creation succeeds."""
    async with alone(answering(CREATED_LINE + padded(size, lines))) as (api, _):
        with pytest.raises(OutcomeUnknown):
            await api.create(COMMAND)
        assert isinstance(await api.create(COMMAND), Succeeded)


@pytest.mark.parametrize("cut", range(1, 5))
async def test_a_head_whose_end_comes_in_two_pieces(cut):
    """A head whose end comes in two pieces is read, whatever broken body follows it."""
    head = CREATED_LINE + LOCATION.encode() + CHUNKED
    async with alone(saying(head[:-cut], head[-cut:] + b"zz\r\nno chunk")) as (api, _):
        assert isinstance(await api.create(COMMAND), Succeeded)


async def test_big_heads_everywhere():
    """Big heads are read in answers to a login and a search, and in interim answers."""
    big = padded(30_000, 100, "X-egain-session: s9\r\n")
    script = [
        answering(b"HTTP/1.1 204 No Content\r\n" + big),
        answering(
            b"HTTP/1.1 103 Early Hints\r\n" + big.replace(b"Content-Length: 0\r\n", b"") + b"HTTP/1.1 204 X\r\n" + big
        ),
    ]
    async with misbehaving(*script) as server, customer_api(Access(server.url), Credentials("user", "secret")) as api:
        assert await api.find_by_email("a@b") == []
