"""A real schema registry: schemas of each type, and a worker that reads such values while it is there and while not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from judging import STRUCTURED, requested
from patience import PATIENCE
from registered import CUSTOMER, MOST, avro, guid_header, numbered

from worker.customer.documents import Unreadable
from worker.sandbox.kafka_probe import free_port
from worker.sandbox.local_registry import LocalRegistry
from worker.schema_registry import Access, schema_registry

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSON = 'syntax = "proto3"; package crm; message Person { string first_name = 1; optional string last_name = 2; }'
LEAD = """
syntax = "proto3";
package crm;
import "person.proto";
message Other { string x = 1; }
message Lead { string type = 1; repeated Person contact_persons = 2; }
"""
JSON = '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}'
UNKNOWN = 999_999
AWAY = "schema_registry_unavailable"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registry() -> AsyncIterator[LocalRegistry]:
    """One registry for the module, since its start takes some seconds; the tests' own questions have long for it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("worker.schema_registry.http.WITHIN", aiohttp.ClientTimeout(total=PATIENCE))
        async with LocalRegistry() as started:
            yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ids(registry: LocalRegistry) -> dict[str, int]:
    """The number of each schema that is registered."""
    address = {"type": "record", "name": "com.example.Home", "fields": [{"name": "city", "type": "string"}]}
    lead = {"type": "record", "name": "Lead", "fields": [{"name": "home", "type": ["null", "com.example.Home"]}]}
    await registry.register("home", orjson.dumps(address).decode())
    await registry.register("person", PERSON, "PROTOBUF")
    return {
        "avro": await registry.register("customer", orjson.dumps(CUSTOMER).decode()),
        "referring": await registry.register(
            "lead",
            orjson.dumps(lead).decode(),
            references=[{"name": "com.example.Home", "subject": "home", "version": 1}],
        ),
        "protobuf": await registry.register(
            "proto-lead", LEAD, "PROTOBUF", [{"name": "person.proto", "subject": "person", "version": 1}]
        ),
        "json": await registry.register("json", JSON, "JSON"),
    }


async def test_schemas_as_the_registry_has_them(registry, ids):
    """Avro with references, Protobuf and JSON schemas are read; one that does not exist is told as that."""
    async with schema_registry(Access(registry.url)) as client:
        assert set(await client.types()) == {"AVRO", "JSON", "PROTOBUF"}
        person = {"firstName": "Jack", "dateOfBirth": date(1990, 2, 28), "dependents": 4}
        customer = {"type": "individual", "pin": "7", "contactPersons": [person]}
        told = orjson.loads((await client.reader(ids["avro"]))(avro(CUSTOMER, customer), MOST))
        assert told == {**customer, "contactPersons": [{**person, "dateOfBirth": "1990-02-28"}]}
        assert (await client.reader(ids["referring"]))(b"\x02\x08Pune", MOST) == b'{"home":{"city":"Pune"}}'
        assert (await client.reader(ids["json"]))(b"{}", MOST) == b"{}"
        assert (await client.newest("customer")).id == ids["avro"]
        for subject in ("nobody", "a/b"):
            with pytest.raises(Unreadable):
                await client.newest(subject)
        with pytest.raises(Unreadable, match="does not have this schema"):
            await client.reader(UNKNOWN)


async def proto_lead(url: str, schema: int, name: str) -> bytes:
    """A value of the second message in the registered Protobuf file, with that name."""
    async with schema_registry(Access(url)) as client:
        descriptors = (await client.schema(schema)).descriptors
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptors).file:
        pool.Add(file)
    lead: Any = GetMessageClass(pool.FindMessageTypeByName("crm.Lead"))(type="individual")
    lead.contact_persons.add(first_name=name)
    return numbered(b"\x02\x02" + lead.SerializeToString(), schema)


def avro_customer(schema: int, name: str) -> bytes:
    """A value in Avro of a customer with that name."""
    person = {"firstName": name, "dateOfBirth": None, "dependents": "2"}
    return numbered(avro(CUSTOMER, {"type": "individual", "pin": None, "contactPersons": [person]}), schema)


@asynccontextmanager
async def on_the_way(port: int, to: int) -> AsyncIterator[None]:
    """Connects one port with the other while the block lasts."""
    serving: set[asyncio.Task[Any]] = set()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())  # type: ignore[arg-type]
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", to)
        with contextlib.suppress(OSError):
            await asyncio.gather(copied(reader, inner_writer), copied(inner_reader, writer))

    server = await asyncio.start_server(hand_on, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy everything until the end."""
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
    finally:
        writer.close()


async def test_a_worker_whose_registry_is_away_and_comes_back(worlds, registry, ids):
    """While it is away records without a schema go on, others are held; back, they end as created or dead letters."""
    port = free_port()
    async with worlds() as world:
        await world.topics()
        sandbox = await world.sandbox()
        world.environment["WORKER_EVENTS__REGISTRY_URL"] = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        await world.publish(avro_customer(ids["avro"], "Ann"), key=b"a", partition=0)
        await world.publish(requested("e1"), key=b"b", headers=STRUCTURED, partition=0)
        await world.publish(requested("e2"), key=b"c", headers=STRUCTURED, partition=1)
        worker = await world.start()
        await worker.until("record.finished", 2, outcome="succeeded")
        (held,) = await worker.until("hold.started", reason="schema_registry_unavailable")
        assert held["partition"] == 0
        assert held["detail"].startswith(f"cannot reach http://127.0.0.1:{port}: ")
        assert sandbox.ledger.created == 2
        async with on_the_way(port, int(registry.url.split(":")[2].partition("/")[0])):
            await worker.until("hold.ended", reason="schema_registry_unavailable", partition=0)
            await worker.until("record.finished", 3, outcome="succeeded")
            await world.publish(await proto_lead(registry.url, ids["protobuf"], "Bea"), key=b"d", partition=1)
            binary = [("ce_id", b"e5"), ("ce_source", b"shop"), ("ce_specversion", b"1.0")]
            typed = [*binary, ("ce_type", b"customer.create.requested.v1"), ("content-type", b"application/avro")]
            await world.publish(avro_customer(ids["avro"], "Cleo"), key=b"e", partition=1, headers=typed)
            whole = numbered(requested("e6"), ids["json"])
            await world.publish(whole, key=b"f", partition=1)
            await worker.until("record.finished", 6, outcome="succeeded")
            await world.publish(numbered(b"\0", UNKNOWN), key=b"g", partition=1)
            await world.publish(b'{"type": "individual"}', key=b"h", partition=1)
            await world.publish(b"\0", key=b"i", headers=[guid_header()], partition=1)
            await worker.until("record.finished", 2, outcome="failed", reason="undecodable")
            # Apicurio does not yet. A late answer may have begun the hold: what it is about is told anew then.
            await until_held(worker, 1, "the registry serves no schemas by GUID")
            assert "the registry says that it does not have this schema" in await why_today(world)
        assert await worker.stop() == 0
        events = await world.events(world.plan.succeeded)
        assert {event["data"]["request"]["id"] for event in events} >= {"e1", "e2", "e5", "e6"}
        assert (len(events), sandbox.ledger.created, len(sandbox.ledger.duplicates)) == (6, 6, 0)
        assert (await world.committed())[0] == 2


async def until_held(worker: Any, partition: int, told: str) -> None:
    """Return once `/status` tells a hold of that partition for want of the registry, with that text."""
    (ops,) = await worker.until("ops.started")
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
        details = [""]
        while not any(told in each for each in details):
            async with http.get(f"http://127.0.0.1:{ops['port']}/status") as answer:
                holds = (await answer.json())["holds"]
            details = [each["detail"] for each in holds if (each["reason"], each.get("partition")) == (AWAY, partition)]
            await asyncio.sleep(0.05)


async def why_today(world: Any) -> str:
    """Why that letter is not valid today, by `show`, once the registry has answered that command in time."""
    why, place = "cannot reach", await first_letter(world)
    async with asyncio.timeout(PATIENCE):
        while "cannot reach" in why:
            shown = await world.start("dead-letters", "show", place, "--json")
            assert await shown.ended() == 0
            (why,) = [line["today"]["why"] for line in shown.lines if "today" in line]
    return why


async def first_letter(world: Any) -> str:
    """The place of the dead letter whose schema does not exist."""
    letters = await world.read(world.plan.dead_letters, 2)
    return next(f"{each.partition}@{each.offset}" for each in letters if each.key == b"g")
