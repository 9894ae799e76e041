"""How a token for Kafka is got from an endpoint or a file, and what is said where there is none."""

import ssl
from dataclasses import replace

import pytest
import pytest_asyncio
import trustme
from misbehaving import misbehaving, saying
from proxying import free_port
from token_endpoint import CLIENT_ID, CLIENT_SECRET, token_endpoint

from worker import tls
from worker.kafka.login import NoToken, Token
from worker.kafka.login.endpoint import Endpoint, InFile


@pytest_asyncio.fixture
async def endpoint():
    async with token_endpoint("worker") as opened:
        yield opened


def asked(url, **more):
    return Endpoint(url, CLIENT_ID, CLIENT_SECRET, **more)


async def why(source) -> str:
    """The reason why there is no token: one line without a secret."""
    with pytest.raises(NoToken) as raised:
        await source.token()
    told = str(raised.value.args[0])
    assert "\n" not in told
    assert CLIENT_SECRET not in told
    assert "do not repeat" not in told
    return told


async def test_client_credentials(endpoint):
    """The client's login is encoded by RFC 6749; the answer says how long the token lasts."""
    token = await asked(endpoint.url, scope="kafka other").token()
    assert token.lasts == 300
    assert endpoint.forms == [{"grant_type": ["client_credentials"], "scope": ["kafka other"]}]
    await asked(endpoint.url).token()
    assert endpoint.forms[1] == {"grant_type": ["client_credentials"]}


async def test_a_wrong_secret(endpoint):
    """A wrong secret: the endpoint's code and the settings are named."""
    told = await why(replace(asked(endpoint.url), client_secret="wr0ng"))
    assert told == (
        f"no token from {endpoint.url}: 401 invalid_client "
        "(WORKER_KAFKA__OAUTH_CLIENT_ID, WORKER_KAFKA__OAUTH_CLIENT_SECRET)"
    )


ANSWERS = {
    "no JSON": (200, b"<html>do not repeat</html>", "its answer holds no access_token"),
    "no object": (200, b"[1]", "its answer holds no access_token"),
    "no token": (200, b'{"expires_in": 3}', "its answer holds no access_token"),
    "a token of two lines": (200, b'{"access_token": "a\\nb"}', "its answer holds no access_token"),
    "a redirect": (302, b"", "302"),
    "a page": (500, b"<html>do not repeat</html>", "500"),
    "a code that is none": (400, b'{"error": "Do not repeat: s3cret"}', "400"),
    "a code": (400, b'{"error": "invalid_scope"}', "400 invalid_scope"),
}


@pytest.mark.parametrize(("status", "body", "told"), ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_without_a_token(endpoint, status, body, told):
    """Of an answer without a token only a standard error code is repeated."""
    endpoint.answer = status, body
    assert f"no token from {endpoint.url}: {told} (WORKER_KAFKA__OAUTH_" in await why(asked(endpoint.url))


async def test_a_token_of_unknown_life(endpoint):
    """A token without an end is accepted."""
    endpoint.answer = 200, b'{"access_token": "abc"}'
    assert await asked(endpoint.url).token() == Token("abc")


async def test_an_endpoint_that_is_not_there():
    """An endpoint that does not answer is named in one line, without its query."""
    url = f"http://127.0.0.1:{free_port()}/token"
    assert f"no token from {url}: no answer: " in await why(asked(url))
    assert "no answer: " in await why(asked("http://no-such-host.invalid/token"))
    assert f"no token from {url}: no answer: " in (told := await why(asked(f"{url}?key=s3cret")))
    assert "s3cret" not in told + asked(f"{url}?key=s3cret").origin
    async with misbehaving(saying()) as server:
        assert "no answer: ServerDisconnectedError" in await why(asked(server.url))


async def test_an_endpoint_over_tls(tmp_path):
    """The endpoint's certificate is checked by the file of its setting."""
    ours, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("localhost").configure_cert(context)
    ours.cert_pem.write_to_path(tmp_path / "ca.pem")
    given = saying(b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"access_token": "abc"}')
    async with misbehaving(given, tls=context) as server:
        url = f"https://localhost:{server.port}/token"
        assert await asked(url, trusted=tls.context("", tmp_path / "ca.pem")).token() == Token("abc")
        told = await why(asked(url))
        assert "its certificate was not accepted: unable to get local issuer" in told
        assert told.endswith("(WORKER_KAFKA__OAUTH_CA_FILE)")


async def test_a_file(tmp_path):
    """The file is read each time, so that it may change."""
    source = InFile(tmp_path / "token")
    assert "No such file or directory (WORKER_KAFKA__OAUTH_TOKEN_FILE)" in await why(source)
    source.file.write_text("abc\n")
    assert await source.token() == Token("abc")
    source.file.write_text("def")
    assert await source.token() == Token("def")
    for content in (b"", b"two words", b"\xff"):
        source.file.write_bytes(content)
        assert f"no token in {source.file}: " in await why(source)
