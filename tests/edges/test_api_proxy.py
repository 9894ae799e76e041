"""The API behind an HTTP proxy: what passes, and that no answer of the proxy is taken for the API's."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from lacking import needed
from misbehaving import CREATED, Peer, holding_on, misbehaving, saying
from patience import PATIENCE
from proxying import free_port, tinyproxy, tunnelling

from worker.customer_api import Access, Credentials, customer_api
from worker.customer_api.certificate import certificate
from worker.customer_api.proxy import Proxy
from worker.model.commands import CreateCustomer, Request, Traits
from worker.model.errors import ApiUnavailable, OutcomeUnknown, SettingsError
from worker.model.outcomes import Succeeded
from worker.tools import check
from worker.tools.check import Wanted

CREDENTIALS = Credentials("user", "secret")
JACK = CreateCustomer(Request("test", "1"), Traits("individual"), b"{}")
OURS, OF_THE_PROXY = trustme.CA(), trustme.CA()
BASIC = ("worker", "pr0xy-secret")


def serving(authority: trustme.CA, *, client: trustme.CA | None = None) -> ssl.SSLContext:
    """TLS for a server at localhost; with `client` it asks for a certificate that this authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    if client:
        client.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, proxy-ca.pem, and client.pem with its key."""
    folder = tmp_path_factory.mktemp("tls")
    OURS.cert_pem.write_to_path(folder / "ca.pem")
    OF_THE_PROXY.cert_pem.write_to_path(folder / "proxy-ca.pem")
    OURS.issue_cert("worker.example.com").private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    return folder


@asynccontextmanager
async def called(url, proxy, files, **more):
    """A client of the API at that address, by that proxy."""
    more = {"ca_file": files / "ca.pem", "connect_timeout": PATIENCE, "request_timeout": PATIENCE} | more
    async with customer_api(Access(url, proxy=proxy, **more), CREDENTIALS) as api:
        yield api


@asynccontextmanager
async def api_over_tls(**more):
    """An API over TLS."""
    async with misbehaving(tls=serving(OURS, **more)) as server:
        yield server


# tinyproxy


@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
async def test_a_real_proxy(tmp_path, files, tls):
    """Login, creation and log-out pass, by a tunnel or by plain requests; the API never sees the proxy's login."""
    lines = ["BasicAuth {} {}".format(*BASIC)]
    async with (
        misbehaving(tls=serving(OURS) if tls else None) as server,
        tinyproxy(tmp_path, *lines) as proxy,
    ):
        url = server.url.replace("http://127.0.0.1", "https://localhost" if tls else "http://127.0.0.1")
        heads: list[bytes] = []
        server.script.extend([told(heads)] * 3)
        async with called(url, Proxy(proxy, *BASIC), files) as api:
            assert isinstance(await api.create(JACK), Succeeded)
        assert len(heads) == 3
        assert not any(b"proxy-authorization" in head.lower() for head in heads)


def told(heads):
    """Answers one request a connection as the API should, and keeps the request's head."""

    async def behave(peer: Peer):
        head = await peer.request()
        heads.append(head)
        login = b"/user/login" in head
        await peer.say(
            b"HTTP/1.1 204 No Content\r\nX-egain-session: s1\r\nConnection: close\r\n\r\n"
            if login
            else CREATED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            if head.startswith(b"POST")
            else b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        )

    return behave


@pytest.mark.parametrize(
    ("tls", "known"),
    [(True, ("worker", "wr0ng")), (True, (None, "")), (False, (None, ""))],
    ids=["wrong", "none", "http"],
)
async def test_a_real_proxy_that_refuses_our_user(tmp_path, files, tls, known):
    """tinyproxy refuses our user: nothing reaches the API, the creation is certainly not sent, one line says why."""
    async with (
        misbehaving(tls=serving(OURS) if tls else None) as server,
        tinyproxy(tmp_path, "BasicAuth {} {}".format(*BASIC)) as proxy,
    ):
        url = server.url.replace("http://127.0.0.1", "https://localhost" if tls else "http://127.0.0.1")
        async with called(url, Proxy(proxy, *known), files) as api:
            api._session._token = "s1"
            with pytest.raises(ApiUnavailable) as raised:
                await api.create(JACK)
        assert str(raised.value).startswith(f"cannot reach {url} through the proxy {proxy}: it wants another user")
        assert "WORKER_API__PROXY_USERNAME and WORKER_API__PROXY_PASSWORD" in str(raised.value)
        assert "wr0ng" not in str(raised.value)
        assert server.connections == 0


async def test_a_real_proxy_that_cannot_reach_the_api(tmp_path, files):
    """tinyproxy cannot reach the API: it says so instead of making the tunnel, and nothing was sent."""
    needed("tinyproxy", "tinyproxy-bin")
    url = f"https://localhost:{free_port()}"
    async with tinyproxy(tmp_path) as proxy, called(url, Proxy(proxy), files) as api:
        with pytest.raises(ApiUnavailable, match=rf"^cannot reach {url} through the proxy {proxy}: it answered 50\d$"):
            await api.log_in()


# A proxy that answers by a script

AT_THE_TUNNEL = {
    "407": (saying(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "another user or password: 407"),
    "403": (saying(b"HTTP/1.1 403 Filtered\r\n\r\n"), r"lets nobody through to that host and port: 403"),
    "502": (saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nsad"), "it answered 502"),
    "504": (saying(b"HTTP/1.1 504 Gateway Timeout\r\n\r\n"), "it answered 504"),
    "200 and gone": (saying(b"HTTP/1.1 200 OK\r\n\r\n"), ""),
    "200 and no TLS": (saying(b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n\r\n\r\n"), "TLS"),
    "gone": (saying(), "ServerDisconnectedError"),
    "no HTTP": (saying(b"\x00\x01 no\r\n\r\n"), ""),
    "half a head": (saying(b"HTTP/1.1 200 O"), ""),
}


@pytest.mark.parametrize(("behaviour", "why"), AT_THE_TUNNEL.values(), ids=AT_THE_TUNNEL)
async def test_a_tunnel_that_is_not_made(files, behaviour, why):
    """Whatever the proxy says instead of making a tunnel, nothing was sent; the next creation succeeds."""
    async with api_over_tls() as server, misbehaving() as proxy:
        url = f"https://localhost:{server.port}"
        async with called(url, Proxy(proxy.url), files) as api:
            api._session._token = "s1"
            proxy.script.extend([behaviour, *[tunnelling(server.port)] * 3])
            with pytest.raises(ApiUnavailable, match=f"^cannot reach {url} through the proxy {proxy.url}: .*{why}"):
                await api.create(JACK)
            assert server.requests == []
            assert isinstance(await api.create(JACK), Succeeded)


async def test_a_proxy_that_never_answers(files):
    """A proxy that never answers is given up after the time for connecting, and nothing was sent."""
    async with (
        misbehaving(holding_on()) as proxy,
        called("https://localhost:1", Proxy(proxy.url), files, connect_timeout=0.5) as api,
    ):
        with pytest.raises(ApiUnavailable, match="ConnectionTimeoutError"):
            await api.log_in()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there(files, scheme):
    """Where nobody listens at the proxy's address, or no host has its name, the error names the proxy."""
    gone = f"http://127.0.0.1:{free_port()}"
    async with called(f"{scheme}://localhost:1", Proxy(gone), files) as api:
        with pytest.raises(ApiUnavailable, match=rf"the proxy {gone}: it cannot be used: .*refused"):
            await api.log_in()
    async with called(f"{scheme}://localhost:1", Proxy("http://no-such-proxy.invalid:3128"), files) as api:
        with pytest.raises(ApiUnavailable, match="it cannot be used: no such host"):
            await api.log_in()


async def test_behind_the_tunnel(files):
    """Failures behind the tunnel mean what they mean without a proxy: after something was sent it is unknown."""
    bad = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with api_over_tls() as server, misbehaving() as proxy:
        proxy.script.extend([tunnelling(server.port)] * 4)
        async with called(f"https://localhost:{server.port}", Proxy(proxy.url), files) as api:
            await api.log_in()
            server.script.extend([saying(bad), saying()])
            for _ in range(2):
                with pytest.raises(OutcomeUnknown):
                    await api.create(JACK)
            assert isinstance(await api.create(JACK), Succeeded)
        assert [line.split()[0] for line in proxy.requests] == ["CONNECT"] * 4


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_an_answer_where_there_is_no_tunnel(files, status):
    """Without a tunnel (plain HTTP) the proxy's own 502 looks like the API's: the outcome is unknown."""
    async with misbehaving() as proxy:
        async with called("http://crm.example.com", Proxy(proxy.url), files) as api:
            await api.log_in()
            proxy.script.append(saying(b"HTTP/1.1 %d Sorry\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status))
            with pytest.raises(OutcomeUnknown, match=f"the API answered {status}"):
                await api.create(JACK)
            assert isinstance(await api.create(JACK), Succeeded)
        assert proxy.requests[0].startswith("POST http://crm.example.com/system/ws/v12/authentication/user/login")


async def test_each_call_has_a_connection_where_there_is_no_tunnel(files):
    """Without a tunnel each call has a new connection, since a proxy may close one without saying so."""
    async with misbehaving() as proxy:
        async with called("http://crm.example.com", Proxy(proxy.url), files) as api:
            for _ in range(3):
                assert isinstance(await api.create(JACK), Succeeded)
        assert (proxy.created, proxy.connections) == (3, 5)  # with login and log-out


async def test_a_last_look_behind_a_tunnel(files):
    """The check before sending comes once tunnel and TLS are there; what it stops never reaches the API."""
    seen = []

    def look():
        seen.append(list(proxy.requests))
        raise TimeoutError

    async with api_over_tls() as server, misbehaving() as proxy:
        proxy.script.extend([tunnelling(server.port)] * 4)
        async with called(f"https://localhost:{server.port}", Proxy(proxy.url), files) as api:
            await api.log_in()
            with pytest.raises(TimeoutError):
                await api.create(JACK, look)
            assert server.created == 0
        assert len(seen) == 1
        assert [line.split()[0] for line in seen[0]] == ["CONNECT"] * 2


async def test_a_proxy_over_tls(files):
    """A proxy over TLS is checked by its own authorities, and does not get the certificate meant for the API."""
    strict = serving(OF_THE_PROXY)
    OURS.configure_trust(strict)
    strict.verify_mode = ssl.CERT_OPTIONAL
    shown = []

    def noting(port):
        async def behave(peer: Peer):
            shown.append(peer.writer.get_extra_info("peercert"))
            await tunnelling(port)(peer)

        return behave

    async with api_over_tls(client=OURS) as server, misbehaving(tls=strict) as proxy:
        proxy.script.extend([noting(server.port)] * 3)
        by = Proxy(proxy.url.replace("http://127.0.0.1", "https://localhost"), ca_file=files / "proxy-ca.pem")
        url = f"https://localhost:{server.port}"
        async with called(url, by, files, cert_file=files / "client.pem") as api:
            assert isinstance(await api.create(JACK), Succeeded)
        assert not any(shown)
        wrong = Proxy(by.url, ca_file=files / "ca.pem")
        async with called(url, wrong, files) as api:
            with pytest.raises(ApiUnavailable, match=r"it cannot be used: TLS: .* \(see WORKER_API__PROXY_CA_FILE\)$"):
                await api.log_in()


# Client certificates


@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "by a proxy"])
async def test_an_api_that_asks_for_a_certificate(files, proxied):
    """An API that asks for a certificate gets ours, also through a proxy."""
    async with api_over_tls(client=OURS) as server, misbehaving() as proxy:
        proxy.script.extend([tunnelling(server.port)] * 3)
        by = Proxy(proxy.url) if proxied else None
        async with called(f"https://localhost:{server.port}", by, files, cert_file=files / "client.pem") as api:
            assert isinstance(await api.create(JACK), Succeeded)
        assert bool(proxy.requests) == proxied


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_an_api_that_refuses_our_certificate(files, version, tmp_path):
    """An API that refuses our certificate has read nothing: no doubt, though TLS 1.3 lets a request be sent before."""
    openssl = needed("openssl", "openssl")
    OURS.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    OF_THE_PROXY.issue_cert("x").private_key_and_cert_chain_pem.write_to_path(tmp_path / "wrong.pem")
    port = free_port()
    only = "-tls1_3" if version is ssl.TLSVersion.TLSv1_3 else "-tls1_2"
    server = await asyncio.create_subprocess_exec(
        *(openssl, "s_server", "-accept", str(port), "-quiet", "-www", only, "-Verify", "1", "-verify_return_error"),
        *("-cert", tmp_path / "server.pem", "-key", tmp_path / "server.pem", "-CAfile", files / "ca.pem"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with called(f"https://localhost:{port}", None, files, cert_file=tmp_path / "wrong.pem") as api:
            api._session._token = "s1"
            async with asyncio.timeout(PATIENCE):
                while True:
                    with pytest.raises(ApiUnavailable) as raised:
                        await api.create(JACK)
                    if "refused" not in str(raised.value):
                        break
                    await asyncio.sleep(0.05)
        assert str(raised.value).endswith("(see WORKER_API__CERT_FILE and WORKER_API__KEY_FILE)")
    finally:
        server.kill()
        await server.wait()


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"cert_file": Path("/nowhere.pem")}, "WORKER_API__CERT_FILE: /nowhere.pem: No such file"),
        ({"cert_file": Path(__file__)}, f"WORKER_API__CERT_FILE: {__file__} is no certificate"),
        ({"proxy": Proxy("https://p:1", ca_file=Path(__file__))}, "WORKER_API__PROXY_CA_FILE: no certificate"),
    ],
)
async def test_a_file_that_cannot_be_used(more, setting):
    """A certificate file that cannot be used is a wrong setting, named before anything is called."""
    with pytest.raises(SettingsError, match=f"^{setting}"):
        async with customer_api(Access("https://127.0.0.1", **more), CREDENTIALS):
            raise AssertionError


# The command `check`


async def said(access):
    """The lines of `check` about the API."""
    wanted = Wanted(access.base_url, proxy=access.proxy.url)
    lines = check.lines([check.api(lambda: customer_api(access, CREDENTIALS), wanted, lambda: certificate(access))])
    return {line.check: (line.state, line.detail) async for line in lines}


async def test_what_check_says(files):
    """`check` sees the certificate through the tunnel, and has a line for the proxy."""
    async with api_over_tls() as server, misbehaving() as proxy:
        proxy.script.extend([tunnelling(server.port)] * 9)
        url = f"https://localhost:{server.port}"
        seen = await said(Access(url, ca_file=files / "ca.pem", proxy=Proxy(proxy.url)))
        assert seen["proxy"] == ("ok", f"reached by {proxy.url}")
        assert {name for name, (state, _) in seen.items() if state == "ok"} >= {"tls", "proxy", "login"}
        assert {line.split()[0] for line in proxy.requests} == {"CONNECT"}
        proxy.script.clear()
        proxy.script.extend([AT_THE_TUNNEL["407"][0]] * 9)
        refused = await said(Access(url, ca_file=files / "ca.pem", proxy=Proxy(proxy.url, "worker", "wrong")))
        assert {refused[name][0] for name in ("tls", "api", "login")} == {"failed"}
        assert "WORKER_API__PROXY_USERNAME" in refused["api"][1]
        assert "proxy" not in refused
