"""What `check` says of a real Kafka and of the sandbox API, with and without faults."""

import ssl
from contextlib import closing
from datetime import UTC, datetime, timedelta
from socket import create_server

import pytest
import trustme
from misbehaving import misbehaving, saying
from patience import PATIENCE

from worker.customer_api import Access, Credentials, customer_api
from worker.customer_api.certificate import certificate
from worker.kafka import admin, brokers
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.sandbox.api import DEFAULT_PASSWORD, DEFAULT_USER, Fault, SandboxConfig, sandbox_api
from worker.tools import check
from worker.tools.check import Client, Wanted
from worker.topics import Plan, TopicSpec

CREDENTIALS = Credentials(DEFAULT_USER, DEFAULT_PASSWORD)
ATTRIBUTE = "externalid"
OURS, OTHERS = trustme.CA(), trustme.CA()


async def said(*checks):
    return {line.check: (line.state, line.detail) async for line in check.lines(checks)}


def of_kafka(kafka, plan, group="g", session_timeout=45.0):
    client = Client(kafka, "PLAINTEXT", group, session_timeout)
    return check.kafka(lambda: brokers.opened(Connection(kafka)), plan, client)


def of_api(base_url, password=DEFAULT_PASSWORD, attribute=ATTRIBUTE, look_up="custom_attribute", form="json"):
    access = Access(base_url, format=form, connect_timeout=PATIENCE, request_timeout=PATIENCE)
    return check.api(
        lambda: customer_api(access, Credentials(DEFAULT_USER, password)),
        Wanted(base_url, look_up, attribute),
        lambda: certificate(access),
    )


@pytest.fixture
def plan(unique):
    return Plan(f"{unique}-requests", f"{unique}-ok", f"{unique}-failed", f"{unique}-letters", f"{unique}-journal", 1)


async def test_kafka_as_it_must_be(kafka, plan):
    """With the topics made, all is well but the single replica."""
    async with admin.opened(Connection(kafka)) as client:
        await create(client, plan)
    seen = await said(of_kafka(kafka, plan, f"{plan.requests}-group"))
    assert {name for name, (state, _) in seen.items() if state != "ok"} == {"replication"}
    assert seen["kafka"][1] == "1 broker, Kafka 4.1 or newer"
    assert seen["timeouts"][1] == "session 45 s, the brokers take 6 to 1800 s"
    assert seen["group"][1] == f"{plan.requests}-group, 0 members now"


async def test_kafka_as_it_must_not_be(kafka, plan):
    """Each fault has its line, and none hides another."""
    async with admin.opened(Connection(kafka)) as client:
        await client.create(TopicSpec(plan.requests, 2, 1, {"cleanup.policy": "compact"}))
        await client.create(TopicSpec(plan.journal, 1, 1, {"cleanup.policy": "delete", "retention.ms": "1000"}))
        await client.create(TopicSpec(plan.dead_letters, 1, 1, {"retention.ms": "1000"}))
    seen = await said(of_kafka(kafka, plan, session_timeout=1))
    assert {name: state for name, (state, _) in seen.items() if state != "ok"} == {
        "topic": "failed",
        "replication": "warning",
        "requests": "warning",
        "journal": "warning",
        "dead letters": "warning",
        "timeouts": "failed",
    }


async def test_topics_that_are_asked_for(kafka, plan):
    """`check` makes no topics."""
    await said(of_kafka(kafka, plan))
    async with admin.opened(Connection(kafka)) as client:
        assert (await client.cluster([name for _, name in plan.names()])).topics == {}


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_api_as_it_must_be(form):
    """All is permitted, nothing was created, and the session was given back."""
    async with sandbox_api() as sandbox:
        seen = await said(of_api(sandbox.base_url, form=form))
        assert {state for state, _ in seen.values()} == {"ok"}
        assert list(seen) == ["tls", "api", "clock", "login", "create", "search", "attribute"]
        assert sandbox.ledger.created == 0
        assert sandbox.sessions.logins == 1


@pytest.mark.parametrize(
    ("config", "asked", "unwell"),
    [
        ({"may_create": False}, {}, {"create": "failed"}),
        ({"may_search": False}, {}, {"search": "failed"}),
        ({"may_search": False}, {"look_up": "email"}, {"search": "failed"}),
        ({}, {"attribute": "nothing"}, {"attribute": "failed"}),
        ({}, {"attribute": "preferredlang"}, {"attribute": "failed"}),
        ({"configured": None}, {}, {"attribute": "warning"}),
        (
            {},
            {"password": "wrong"},
            {"login": "failed", "create": "warning", "search": "warning", "attribute": "warning"},
        ),
        ({"context_root": "/elsewhere"}, {}, {"api": "warning", "login": "failed"}),
    ],
)
async def test_api_as_it_must_not_be(config, asked, unwell):
    """Each fault has its line; without a session what needs one is only a warning."""
    async with sandbox_api(SandboxConfig(**config)) as sandbox:
        seen = await said(of_api(sandbox.base_url, **asked))
    assert {name: seen[name][0] for name in unwell} == unwell
    assert sandbox.ledger.created == 0


@pytest.mark.parametrize(("status", "state"), [(500, "warning"), (401, "failed")])
async def test_api_that_answers_otherwise(status, state):
    """A status that tells nothing is a warning; a new session that is refused at once is a failure."""
    fault = Fault.model_validate({"kind": "status", "status": status})
    async with sandbox_api(faults=[fault]) as sandbox:
        assert (await said(of_api(sandbox.base_url)))["create"][0] == state


async def test_nobody_there():
    """Without an API each line that could not be tried is there."""
    with closing(create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    seen = await said(of_api(f"http://127.0.0.1:{port}"))
    assert [state for state, _ in seen.values()] == ["ok", "failed", "warning", "failed", *["warning"] * 3]


async def test_an_answer_without_a_date():
    """Without a date in the answer the clocks cannot be compared; a 404 without a login is not what the API gives."""
    async with misbehaving(saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) as server:
        seen = await said(of_api(server.url, look_up="none"))
    assert (seen["api"][0], seen["clock"][0]) == ("warning", "warning")


async def test_an_api_that_takes_anything():
    """An API that creates a customer without any element fails the check."""
    async with misbehaving(saying(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")) as server:
        state, detail = (await said(of_api(server.url, look_up="none")))["create"]
        assert server.created == 1
    assert state == "failed"
    assert "was taken" in detail


@pytest.mark.parametrize(
    ("days", "authority", "host", "state", "told"),
    [
        (90, OURS, "localhost", "ok", "TLSv1.3, the certificate ends in 89 days"),
        (10, OURS, "localhost", "warning", "ends in 9 days"),
        (-1, OURS, "localhost", "failed", "certificate has expired"),
        (90, OTHERS, "localhost", "failed", "unable to get local issuer certificate"),
        (90, OURS, "elsewhere.example", "failed", "Hostname mismatch"),
    ],
)
async def test_certificate(tmp_path, days, authority, host, state, told):
    """The server's certificate is judged as in every other call."""
    OURS.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, not_after=datetime.now(UTC) + timedelta(days=days)).configure_cert(context)
    async with misbehaving(tls=context) as server:
        url = f"https://localhost:{server.port}"
        access = Access(url, ca_file=tmp_path / "ca.pem", connect_timeout=PATIENCE)
        seen = await said(
            check.api(lambda: customer_api(access, CREDENTIALS), Wanted(url), lambda: certificate(access))
        )
    assert seen["tls"][0] == state
    assert told in seen["tls"][1]


async def test_tls_where_none_is_spoken():
    """`https` to a port without TLS fails the line `tls`."""
    async with sandbox_api() as sandbox:
        seen = await said(of_api(sandbox.base_url.replace("http:", "https:")))
    assert seen["tls"][0] == "failed"
