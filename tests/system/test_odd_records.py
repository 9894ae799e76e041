"""Unusual records that real producers and tools send: each ends as it should, and none holds up the others."""

import hashlib

import orjson
from judging import STRUCTURED, requested

from worker.kafka import admin
from worker.topics import ENVELOPE, TopicSpec

MIB = 1024 * 1024
CUSTOMER = {"type": {"value": "individual"}, "contactPersons": {"contactPerson": [{"firstName": "Jack"}]}}
BARE = orjson.dumps(CUSTOMER)
HIDDEN = b'<?xml version="1.0"' + b" " * 220 + b'encoding="UTF-7"?><customer/>'


def event(name, **attributes):
    told = {"specversion": "1.0", "type": "customer.create.requested.v1", "source": "urn:crm", "id": name}
    return orjson.dumps({**told, **attributes, "data": CUSTOMER})


def amqp(text):
    return b"\xa1" + bytes([len(text)]) + text.encode()


DELETE = tuple(
    (f"cloudEvents:{name}", amqp(value))
    for name, value in {
        "specversion": "1.0",
        "type": "customer.delete.requested.v1",
        "source": "crm",
        "id": "d",
    }.items()
)


async def made(world):
    """Topics: large requests are allowed, and results are limited to what the worker promises to need."""
    async with admin.opened(world.connection) as client:
        await client.create(TopicSpec(world.plan.requests, 2, 1, {"max.message.bytes": str(8 * MIB)}))
        await client.create(TopicSpec(world.plan.succeeded, 2, 1, {"max.message.bytes": str(ENVELOPE)}))
    await world.topics()


async def test_odd_records(world):
    """All nine records end, only two with a call of the API, and `verify` holds."""
    await made(world)
    sandbox = await world.sandbox({"kind": "reply_lost", "times": 1})
    worker = await world.start()
    await world.publish(BARE, key=b"doubt")
    await worker.until("record.finished", 1, reason="outcome_unknown")
    (parked,) = await world.read(world.plan.dead_letters, 1)
    large, zipped = event("large", more="x" * 5 * MIB), event("zipped", more="x" * 20 * MIB)
    await world.publish(parked.value, key=parked.key, headers=parked.headers)
    await world.publish(parked.value, key=parked.key, headers=parked.headers, partition=1)
    await world.publish(event("subject", subject="s" * (MIB - 1000)), key=b"s", headers=STRUCTURED)
    await world.publish(large, key=b"l", headers=STRUCTURED)
    await world.publish(zipped, key=b"z", headers=STRUCTURED, compression_type="zstd")
    await world.publish(BARE, key=b"d", headers=DELETE)
    await world.publish(HIDDEN, key=b"x")
    await world.publish(requested("key"), key=b"k" * MIB, headers=STRUCTURED)
    told = await worker.until("record.finished", 9)
    assert sorted(line.get("reason", "") for line in told) == [
        "",
        *["outcome_unknown"] * 3,
        *["undecodable"] * 4,
        "unsupported_event",
    ]
    assert await worker.stop() == 0
    assert not worker.of("record.crashed")
    assert sandbox.ledger.created == 2
    (created,) = await world.read(world.plan.succeeded)
    assert created.key == hashlib.sha256(b"k" * MIB).hexdigest().encode()
    letters = {letter.key: letter for letter in await world.read(world.plan.dead_letters)}
    assert letters[b"l"].value == large
    assert letters[b"z"].value == zipped
    assert dict(letters[b"l"].headers)["worker-event-id"] == b"large"
    assert len(await world.events(world.plan.failed)) == 8
    assert await (await world.start("verify")).ended() == 0
