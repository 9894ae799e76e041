"""Whether a creation was sent, at every point where it can fail on a real socket; and the check just before."""

import asyncio
import ssl
import subprocess
import time

import pytest
from misbehaving import (
    CREATED,
    CREDENTIALS,
    DONE,
    INDIVIDUAL,
    SMALL,
    Peer,
    giving_up_early,
    holding_on,
    logged_in,
    misbehaving,
    saying,
    well,
)
from patience import PATIENCE

from worker.customer_api import Access, customer_api
from worker.customer_api.http import Sending
from worker.model.commands import CreateCustomer, Request
from worker.model.errors import ApiUnavailable, OutcomeUnknown, SettingsError
from worker.model.outcomes import Succeeded

LARGE = CreateCustomer(Request("test", "2"), INDIVIDUAL, b" " * 1024 * 1024)
"""More than a socket takes unread, so that it cannot have been sent as a whole."""


async def reset_on_accept(peer: Peer):
    peer.reset()


async def closed_on_accept(peer: Peer):
    pass


async def reset_within_the_head(peer: Peer):
    await peer.reader.readexactly(10)
    peer.reset()


async def reset_after_the_head(peer: Peer):
    await peer.head()
    peer.reset()


async def reset_within_the_body(peer: Peer):
    await peer.head()
    await peer.reader.readexactly(1)
    peer.reset()


async def reset_after_the_body(peer: Peer):
    await peer.request()
    peer.reset()


async def one_byte_at_a_time(peer: Peer):
    await peer.request()
    while True:
        for byte in b"HTTP/1.1 201 Created\r\nX-Slow: " + b"x" * 1000:
            await peer.say(bytes([byte]))
            await asyncio.sleep(0.05)


async def one_interim_answer_after_another(peer: Peer):
    await peer.request()
    while True:
        await peer.say(b"HTTP/1.1 102 Processing\r\n\r\n")
        await asyncio.sleep(0.05)


async def closed_under_the_second(peer: Peer):
    """Answers once, and resets the connection when the next request comes on it."""
    await peer.request()
    await peer.say(CREATED)
    await peer.reader.readexactly(1)
    peer.reset()


AFTER_SENDING = {
    "reset on accept": reset_on_accept,
    "closed on accept": closed_on_accept,
    "reset within the head": reset_within_the_head,
    "reset after the head": reset_after_the_head,
    "reset within the body": reset_within_the_body,
    "reset after the body": reset_after_the_body,
    "closed without a word": saying(),
    "half a status line": saying(b"HTTP/1.1 2"),
    "half the headers": saying(b"HTTP/1.1 201 Created\r\nLocation: /system/ws/v12/inter"),
    "headers without their end": saying(b"HTTP/1.1 201 Created\r\nLocation: /customer/7\r\n"),
    "an interim answer alone": saying(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "no HTTP": saying(b"\x00\x01\x02 not http at all\r\n\r\n"),
    "another protocol": saying(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    "two lengths": saying(b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "a head without end": holding_on(b"HTTP/1.1 201 Created\r\nX-Long: " + b"x" * 100_000),
    "never a word": holding_on(),
    "one byte at a time": one_byte_at_a_time,
    "one interim answer after another": one_interim_answer_after_another,
}


@pytest.mark.parametrize("command", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("behaviour", AFTER_SENDING.values(), ids=AFTER_SENDING.keys())
async def test_a_failure_after_something_was_sent(behaviour, command):
    """After something was sent the outcome is unknown, nothing is sent again, and the next creation succeeds."""
    async with logged_in(behaviour) as (api, server):
        with giving_up_early(api, answer=0.5), pytest.raises(OutcomeUnknown):
            await api.create(command)
        assert server.created <= 1
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_a_wait_between_the_connection_and_the_sending():
    """It takes nothing of the time for the answer, which is counted from the first byte sent."""
    waits, sent = [3.0, 0.0], []

    def look():
        sent.append(time.monotonic())
        return waits.pop(0)

    async with misbehaving() as server:
        access = Access(server.url, connect_timeout=2, request_timeout=2)
        async with customer_api(access, CREDENTIALS) as api:
            await api.log_in()
            server.script.append(one_interim_answer_after_another)
            with pytest.raises(OutcomeUnknown):
                await api.create(SMALL, look)
            assert time.monotonic() - sent[-1] >= 2


async def test_a_kept_connection_that_ends_under_a_creation():
    """A kept connection ends under a creation: unknown, and aiohttp does not send it again."""
    async with logged_in(closed_under_the_second) as (api, server):
        assert isinstance(await api.create(SMALL), Succeeded)
        with pytest.raises(OutcomeUnknown):
            await api.create(SMALL)
        assert server.connections == 2
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_a_kept_connection_that_ends_late_under_a_question(monkeypatch):
    """aiohttp asks again over a new connection: both together have the time of one request, which a drain waits for."""
    ends, leave = [], Sending.leave

    async def noting(sending, conn):
        await leave(sending, conn)
        ends.append(sending.limit.when())

    async def closed_late(peer: Peer):
        await peer.request()
        await peer.say(DONE)
        await peer.request()
        await asyncio.sleep(1)
        peer.reset()

    async with logged_in(closed_late, holding_on()) as (api, server):
        await api.answer()
        before = time.monotonic()
        monkeypatch.setattr(Sending, "leave", noting)
        with giving_up_early(api, answer=2), pytest.raises(ApiUnavailable):
            await api.answer()
        assert server.connections == 3
        assert time.monotonic() - before >= 2
        first, second = ends
        assert first == second


async def test_a_kept_connection_that_ended_while_idle():
    """A kept connection that has ended is not used: the creation has a new one."""
    async with logged_in(saying(CREATED)) as (api, server):
        assert isinstance(await api.create(SMALL), Succeeded)
        pooled = api._http._session.connector._conns
        async with asyncio.timeout(PATIENCE):
            while any(protocol.is_connected() for kept in pooled.values() for protocol, _ in kept):
                await asyncio.sleep(0.01)
        assert isinstance(await api.create(SMALL), Succeeded)
        assert server.connections == 3


async def test_a_connection_that_is_refused():
    """A refused connection: nothing was sent, and the client works again later."""
    async with logged_in() as (api, server):
        url = server.url
        async with misbehaving() as other:
            port = other.port
        api._url = api._url.with_port(port)
        with pytest.raises(ApiUnavailable, match="Connection refused"):
            await api.create(SMALL)
        api._url = api._url.with_port(int(url.rpartition(":")[2]))
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_a_name_that_leads_nowhere():
    """An unknown host: nothing was sent, and the error names the address."""
    async with logged_in() as (api, server):
        api._url = api._url.with_host("no-such-host.invalid")
        with pytest.raises(ApiUnavailable, match=r"cannot reach http://no-such-host\.invalid:\d+: no such host"):
            await api.create(SMALL)
        api._url = api._url.with_host("127.0.0.1")
        assert isinstance(await api.create(SMALL), Succeeded)
        assert server.created == 1


async def test_a_request_that_cannot_be_made():
    """A host or header that cannot exist: nothing was sent, and the record is in no doubt."""
    async with logged_in() as (api, server):
        api._url = api._url.with_host("a..b")
        with pytest.raises(ApiUnavailable, match=r"cannot reach http://a\.\.b:\d+: Unicode(Encode)?Error"):
            await api.create(SMALL)
        api._url = api._url.with_host("127.0.0.1")
        with pytest.raises(ApiUnavailable, match="ValueError"):
            await api.create(CreateCustomer(Request("test", "1", tracestate="a\nb"), INDIVIDUAL, b"{}"))
        assert isinstance(await api.create(SMALL), Succeeded)
        assert server.created == 1


async def test_a_pool_without_a_free_connection():
    """Without a free connection the creation is not sent, and the one under way goes on."""
    answer = asyncio.Event()

    async def when_told(peer: Peer):
        await peer.request()
        answer.set()
        await released.wait()
        await peer.say(CREATED)

    released = asyncio.Event()
    async with logged_in(when_told, pool_size=1) as (api, server):
        holding = asyncio.ensure_future(api.create(SMALL))
        await answer.wait()
        with giving_up_early(api, connect=0.3), pytest.raises(ApiUnavailable, match="ConnectionTimeoutError"):
            await api.create(SMALL)
        assert server.created == 1
        released.set()
        assert isinstance(await holding, Succeeded)
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_a_plain_server_spoken_to_with_tls():
    """TLS to a server without it fails before anything of the request is written."""
    async with (
        misbehaving() as server,
        customer_api(Access(server.url.replace("http", "https"), connect_timeout=PATIENCE), CREDENTIALS) as api,
    ):
        server.script.append(saying_without_reading)
        with pytest.raises(ApiUnavailable, match="TLS"):
            await api.create(SMALL)
        assert server.requests == []


async def saying_without_reading(peer: Peer):
    """Answers a TLS handshake as a plain server does."""
    await peer.reader.readexactly(5)
    await peer.say(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    await peer.gone()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate file, key file) for 127.0.0.1, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    new = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", key, "-out", cert]
    subprocess.run(["openssl", "req", *new, *subject], check=True, capture_output=True)
    return cert, key


def tls_of(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_certificate_that_is_not_trusted(certificate):
    """An untrusted certificate: nothing was sent, and the error says why."""
    async with (
        misbehaving(tls=tls_of(certificate)) as server,
        customer_api(Access(f"https://127.0.0.1:{server.port}"), CREDENTIALS) as api,
    ):
        with pytest.raises(ApiUnavailable, match=r"TLS: self.signed certificate"):
            await api.create(SMALL)
        assert server.requests == []


async def test_a_certificate_of_the_configured_authority(certificate):
    """With the certificate named as an authority creations work over TLS, and failures mean the same."""
    async with (
        misbehaving(well, saying(b"HTTP/1.1 2"), tls=tls_of(certificate)) as server,
        customer_api(Access(f"https://127.0.0.1:{server.port}", ca_file=certificate[0]), CREDENTIALS) as api,
    ):
        with pytest.raises(OutcomeUnknown):
            await api.create(SMALL)
        assert isinstance(await api.create(SMALL), Succeeded)


class TooLate(TimeoutError):
    """An error of a kind that the client might take for its own timeout."""


@pytest.mark.parametrize("error", [TooLate, OSError, ValueError])
@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
async def test_a_last_look_that_says_no(reused, error):
    """The check raises: its error comes through unchanged, no byte is sent, and the connection is closed."""
    refusal = error("too late")

    def look():
        raise refusal

    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def watched(peer: Peer):
        if reused:
            await peer.request()
            await peer.say(CREATED)
        seen.put_nowait(await peer.reader.read())

    async with logged_in(watched, pool_size=1) as (api, server):
        if reused:
            await api.create(SMALL)
        with pytest.raises(error) as raised:
            await api.create(SMALL, look)
        assert raised.value is refusal
        assert await asyncio.wait_for(seen.get(), PATIENCE) == b""
        assert isinstance(await api.create(SMALL), Succeeded)
        assert server.created == 1 + reused


async def test_many_last_looks_that_say_no():
    """After fifty checks that raised, a pool of two connections still serves."""

    def look():
        raise TooLate

    async with logged_in(pool_size=2) as (api, server):
        results = await asyncio.gather(*[api.create(SMALL, look) for _ in range(50)], return_exceptions=True)
        assert {type(result) for result in results} == {TooLate}
        assert server.created == 0
        async with asyncio.timeout(PATIENCE):
            while server.alive:
                await asyncio.sleep(0.01)
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_when_the_last_look_is_asked():
    """The check is made once for each POST, after the wait for a connection, and for no other call."""
    asked = []
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with logged_in(saying(refused), pool_size=1) as (api, server):
        first = asyncio.ensure_future(api.create(SMALL, lambda: asked.append((server.created, len(server.requests)))))
        assert isinstance(await first, Succeeded)
        assert await api.find_by_attribute("a", "b") == []
        await api.log_out()
        assert asked == [(0, 1), (1, 3)]
        methods = [line.split()[0] + line.split()[1].rpartition("/")[2][:6] for line in server.requests]
        assert methods == ["POSTlogin?", "POSTcustom", "POSTlogin?", "POSTcustom", "GETcustom", "DELETElogout"]


@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
async def test_a_last_look_that_says_when(reused):
    """A check that says "wait" is made again after that time, and the creation leaves on the same connection."""
    waits = [0.05, 0.02, 0]
    async with logged_in(pool_size=1) as (api, server):
        if reused:
            await api.create(SMALL)
        assert isinstance(await api.create(SMALL, lambda: waits.pop(0)), Succeeded)
        assert (waits, server.created) == ([], 1 + reused)


async def test_a_connection_that_ends_while_the_last_look_waits():
    """A connection that ends while the check waits: nothing was sent, and the next creation succeeds."""

    async def closed_when_idle(peer: Peer):
        await peer.request()
        await peer.say(CREATED)
        closed.set()

    closed = asyncio.Event()
    waits = iter([0.001] * 1000)
    async with logged_in(closed_when_idle, pool_size=1) as (api, server):
        await api.create(SMALL)
        await closed.wait()
        with pytest.raises(ApiUnavailable):
            await api.create(SMALL, lambda: next(waits, 0))
        assert server.created == 1
        assert isinstance(await api.create(SMALL), Succeeded)


async def test_a_pool_wait_before_the_last_look():
    """The check is made when a connection is there, not when it was asked for."""
    released, arrived = asyncio.Event(), asyncio.Event()

    async def when_told(peer: Peer):
        await peer.request()
        arrived.set()
        await released.wait()
        await peer.say(CREATED)
        await well(peer)

    async with logged_in(when_told, pool_size=1) as (api, _):
        first = asyncio.ensure_future(api.create(SMALL))
        await arrived.wait()
        looks = []
        second = asyncio.ensure_future(api.create(SMALL, lambda: looks.append(first.done() or released.is_set())))
        for _ in range(10):
            await asyncio.sleep(0)
        assert looks == []
        released.set()
        await asyncio.gather(first, second)
        assert looks == [True]


@pytest.mark.parametrize("content", [None, b"no certificate"])
async def test_a_certificate_file_that_cannot_be_used(content, tmp_path):
    """A certificate file that cannot be used is a wrong setting, named before anything is called."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match="WORKER_API__CA_FILE"):
        async with customer_api(Access("https://127.0.0.1", ca_file=file), CREDENTIALS):
            raise AssertionError
