"""The client of a schema registry over HTTP, with a fake one: what it asks and which answers it believes."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
import trustme
from aiohttp import web
from registered import CUSTOMER, GUID, MOST, avro, numbered

from worker.customer.documents import Unreadable
from worker.model.errors import SchemaRegistryUnavailable, SettingsError
from worker.schema_registry import Access, Registry, schema_registry
from worker.schema_registry.client import NOBODYS
from worker.schema_registry.http import MAX_BODY

UNKNOWN = {"error_code": 40403, "message": "Schema not found"}
AVRO = {"schema": orjson.dumps(CUSTOMER).decode()}


@dataclass
class StandIn:
    """Answers each path with (status, body) from `answers`, and remembers what it was asked."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        path = request.raw_path
        self.asked.append(path)
        self.authorizations.append(request.headers.get("Authorization"))
        status, body = self.answers.get(path, (404, UNKNOWN))
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        headers = {"Location": "http://127.0.0.1:9/"} if status in {301, 302} else {}
        return web.Response(status=status, body=raw, headers=headers)


@asynccontextmanager
async def served(stand_in: StandIn, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The fake registry's address, with a path."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", stand_in.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        yield f"http{'s' if tls else ''}://localhost:{port}/apis/v7"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def registry(
    answers: dict[str, Any], access: Callable[[str], Access] = Access, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Registry, StandIn]]:
    stand_in = StandIn({f"/apis/v7{path}": answer for path, answer in answers.items()})
    async with served(stand_in, tls) as url, schema_registry(access(url)) as client:
        yield client, stand_in


async def test_a_schema_by_number_and_by_guid():
    """Schemas are read by number and by GUID; a missing type means Avro."""
    answers = {"/schemas/ids/7": (200, AVRO), f"/schemas/guids/{GUID}": (200, {**AVRO, "schemaType": "AVRO"})}
    value: dict[str, Any] = {"type": "group", "pin": "7", "contactPersons": []}
    async with registry(answers) as (client, stand_in):
        for key in (7, GUID):
            read = await client.reader(key)
            assert orjson.loads(read(avro(CUSTOMER, value), MOST)) == value
        assert stand_in.asked == ["/apis/v7/schemas/ids/7", f"/apis/v7/schemas/guids/{GUID}"]
        assert numbered(b"", 7) == b"\0\0\0\0\7"


async def test_references():
    """Each referenced schema is asked for once, and comes before those that refer to it."""
    city = {"type": "record", "name": "City", "fields": [{"name": "name", "type": "string"}]}
    home = {"type": "record", "name": "Home", "fields": [{"name": "city", "type": "City"}]}
    lead = {"type": "record", "name": "Lead", "fields": [{"name": "a", "type": "Home"}, {"name": "b", "type": "City"}]}
    of_city = {"name": "City", "subject": "geo/city", "version": 2}
    of_home = {"name": "Home", "subject": "home", "version": 1}
    answers = {
        "/schemas/ids/1": (200, {"schema": orjson.dumps(lead).decode(), "references": [of_home, of_city]}),
        "/subjects/home/versions/1": (200, {"schema": orjson.dumps(home).decode(), "references": [of_city]}),
        "/subjects/geo%2Fcity/versions/2": (200, {"schema": orjson.dumps(city).decode()}),
    }
    async with registry(answers) as (client, stand_in):
        schema = await client.schema(1)
        assert [each.name for each in schema.references] == ["City", "Home"]
        assert len(stand_in.asked) == 3
        read = await client.reader(1)
        value = {"a": {"city": {"name": "Pune"}}, "b": {"name": "Oslo"}}
        assert orjson.loads(read(avro(lead, value, city, home), MOST)) == value
        del stand_in.answers["/apis/v7/subjects/geo%2Fcity/versions/2"]
        with pytest.raises(Unreadable, match="does not have what it refers to: version 2 of geo/city"):
            await client.schema(1)
        assert unquote(stand_in.asked[-1]).endswith("geo/city/versions/2")


async def test_protobuf_and_json():
    """Protobuf text is compiled, and JSON stays as it is; another type is unreadable."""
    address = {"name": "a/address.proto", "subject": "address", "version": 1}
    text = 'syntax = "proto3"; import "a/address.proto"; message Lead { Address home = 1; }'
    answers = {
        "/schemas/ids/1": (200, {"schemaType": "PROTOBUF", "schema": text, "references": [address]}),
        "/subjects/address/versions/1": (
            200,
            {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3"; message Address { string city = 1; }'},
        ),
        "/schemas/ids/2": (200, {"schemaType": "JSON", "schema": "{}"}),
        "/schemas/ids/3": (200, {"schemaType": "XML", "schema": "<x/>"}),
    }
    async with registry(answers) as (client, _):
        assert (await client.reader(1))(b"\0\x0a\x06\x0a\x04Pune", MOST) == b'{"home":{"city":"Pune"}}'
        assert (await client.reader(2))(b'{"a":1}', MOST) == b'{"a":1}'
        with pytest.raises(Unreadable, match="its type is none of AVRO, JSON, PROTOBUF"):
            await client.reader(3)


@pytest.mark.parametrize("code", [40401, 40402, 40403])
async def test_a_registry_s_own_no(code):
    """The registry's own codes for "not found" are believed."""
    async with registry({"/schemas/ids/7": (404, {"error_code": code})}) as (client, _):
        with pytest.raises(Unreadable, match=r"^the registry says that it does not have this schema$"):
            await client.schema(7)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            404,
            b"<html>no such page</html>",
            "answered 404, and not as a schema registry does (see WORKER_EVENTS__REGISTRY_URL)",
        ),
        (404, {"detail": "no such path"}, "answered 404, and not as"),
        (404, [40403], "answered 404, and not as"),
        (401, UNKNOWN, "answered 401 (see WORKER_EVENTS__REGISTRY_USERNAME, _PASSWORD and _TOKEN)"),
        (403, b"", "answered 403 (see"),
        (500, UNKNOWN, "answered 500"),
        (302, b"", "answered 302"),
        (200, b"<html>log in</html>", "does not answer as a schema registry does"),
        (200, {"title": "something else"}, "none of a schema registry"),
        (200, {"schema": 7}, "none of a schema registry"),
        (200, {"schema": "{}", "references": [{"name": "x"}]}, "none of a schema registry"),
        (200, b"x" * (MAX_BODY + 1), "cannot reach"),
    ],
)
async def test_answers_that_no_registry_would_give(status, body, told):
    """After an answer that no registry gives nothing is known: the schema counts as unavailable."""
    async with registry({"/schemas/ids/7": (status, body)}) as (client, stand_in):
        with pytest.raises(SchemaRegistryUnavailable) as away:
            await client.schema(7)
        assert told in str(away.value)
        assert len(stand_in.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_number_that_no_registry_has(status):
    """A number beyond 2**31 that the registry does not accept names no schema."""
    refused = status, {"error_code": status, "message": f"HTTP {status}"}
    answers = {
        "/schemas/types": (200, ["AVRO"]),
        f"/schemas/ids/{2**31}": refused,
        f"/schemas/ids/{2**31 - 1}": refused,
    }
    async with registry(answers) as (client, stand_in):
        with pytest.raises(Unreadable, match=r"^the registry has no schema of that number$"):
            await client.schema(2**31)
        with pytest.raises(SchemaRegistryUnavailable, match=f"answered {status}"):
            await client.schema(2**31 - 1)
        stand_in.answers["/apis/v7/schemas/types"] = (404, b"")
        with pytest.raises(SchemaRegistryUnavailable, match=f"answered {status}"):
            await client.schema(2**31)


async def test_a_number_that_few_registries_have():
    """A number beyond 2**31 is used where the registry knows it."""
    async with registry({f"/schemas/ids/{2**32 - 1}": (200, AVRO)}) as (client, _):
        assert (await client.schema(2**32 - 1)).type == "AVRO"


@pytest.mark.parametrize("body", [b"", {"error_code": 404, "message": "HTTP 404 Not Found"}])
async def test_a_registry_that_serves_no_guids(body):
    """A registry without GUIDs has not said that the schema is missing: unavailable, with advice in the reason."""
    answers = {"/schemas/types": (200, ["AVRO"]), f"/schemas/guids/{GUID}": (404, body)}
    answers[f"/schemas/guids/{NOBODYS}"] = (404, body)
    async with registry(answers) as (client, _):
        assert not await client.serves_guids()
        with pytest.raises(SchemaRegistryUnavailable) as away:
            await client.schema(GUID)
    assert str(away.value).startswith(
        f"the registry serves no schemas by GUID, and a record names {GUID} in its header __value_schema_id or before"
    )
    assert "let producers write the number before the value" in str(away.value)


async def test_a_guid_where_there_is_no_registry():
    """A GUID where no registry answers: the reason names the address."""
    answers = dict.fromkeys(("/schemas/types", f"/schemas/guids/{GUID}"), (404, b""))
    async with registry(answers) as (client, _):
        with pytest.raises(SchemaRegistryUnavailable, match="and not as a schema registry does"):
            await client.schema(GUID)


async def test_a_guid_that_the_registry_does_not_know():
    """A GUID that the registry does not know is missing."""
    async with registry({}) as (client, _):
        assert await client.serves_guids()
        with pytest.raises(Unreadable, match="does not have this schema"):
            await client.schema(GUID)


async def test_nobody_there():
    """Without a registry the reason names the address, and not the login."""
    async with schema_registry(Access("http://127.0.0.1:9/v7", "worker", "secret")) as client:
        with pytest.raises(SchemaRegistryUnavailable, match=r"^cannot reach http://127\.0\.0\.1:9: Connect"):
            await client.schema(7)


async def test_a_name_that_no_host_has():
    """A host name that cannot exist is told as unreachable."""
    async with schema_registry(Access("http://a..b/v7")) as client:
        with pytest.raises(SchemaRegistryUnavailable, match=r"^cannot reach http://a\.\.b: Unicode(Encode)?Error"):
            await client.types()


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (("worker", "pässword"), "Basic d29ya2VyOnDDpHNzd29yZA=="),
        ((None, None, "token"), "Bearer token"),
        ((), None),
    ],
)
async def test_as_whom(given, sent):
    """Basic authentication, a bearer token or none is sent; secrets are never shown."""
    async with registry({"/schemas/ids/7": (200, AVRO)}, lambda url: Access(url, *given)) as (client, asked):
        await client.schema(7)
        assert asked.authorizations == [sent]
    assert "secret" not in repr(Access("http://x", "worker", "secret", "secret"))


async def test_tls(tmp_path: Path):
    """A private authority is trusted only where its file is named."""
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    answers = {"/schemas/ids/7": (200, AVRO)}
    async with registry(answers, lambda url: Access(url, ca_file=file), tls) as (client, _):
        assert (await client.schema(7)).type == "AVRO"
    async with registry(answers, Access, tls) as (client, _):
        with pytest.raises(SchemaRegistryUnavailable, match=r"not trusted \(see WORKER_EVENTS__REGISTRY_CA_FILE\)$"):
            await client.schema(7)


async def test_a_ca_file_that_is_none(tmp_path: Path):
    """A missing CA file is a wrong setting, found before anything is asked."""
    with pytest.raises(SettingsError, match="WORKER_EVENTS__REGISTRY_CA_FILE"):
        async with schema_registry(Access("https://localhost", ca_file=tmp_path / "none.pem")):
            raise AssertionError("opened")


async def test_what_a_registry_keeps_and_the_newest_of_a_subject():
    """The types of schemas, and the newest schema of a subject, as `check` and `produce` ask for them."""
    answers = {
        "/schemas/types": (200, ["JSON", "AVRO"]),
        "/subjects/a%2Fb-value/versions/latest": (200, {**AVRO, "id": 7, "version": 3, "subject": "a/b-value"}),
        "/subjects/odd/versions/latest": (200, AVRO),
    }
    async with registry(answers) as (client, _):
        assert await client.types() == ["JSON", "AVRO"]
        assert (await client.newest("a/b-value")).id == 7
        with pytest.raises(SchemaRegistryUnavailable):
            await client.newest("odd")
        with pytest.raises(Unreadable, match="does not have the subject nope"):
            await client.newest("nope")
