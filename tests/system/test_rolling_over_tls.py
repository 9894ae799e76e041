"""Over TLS, as in production, a restart costs the others no more than without: nobody waits for a client's end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from secured import SecuredKafka, secured_kafka

# What is shared is one broker and one event loop, not more.
pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKERS, RESTARTS, KEYS = 3, 4, 40
# The loop of `run` would wait 30 s for the goodbye of a connection over TLS.
BEFORE_A_GOODBYE = 28


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecuredKafka]:
    async with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        yield kafka


@pytest_asyncio.fixture(loop_scope="module")
async def world(secured: SecuredKafka, world_on: Any) -> AsyncIterator[Any]:
    async with world_on(secured.plain, f"t-{uuid4().hex[:12]}") as opened:
        opened.environment |= {
            "WORKER_KAFKA__BOOTSTRAP_SERVERS": secured.broker.address("SSL"),
            "WORKER_KAFKA__SECURITY_PROTOCOL": "SSL",
            "WORKER_KAFKA__CA_FILE": str(secured.certificates.ca),
        }
        yield opened


def event(number):
    attributes = {"specversion": "1.0", "id": f"e{number}", "source": "shop", "type": "customer.create.requested.v1"}
    person = {"firstName": f"name {number}"}
    return orjson.dumps({**attributes, "data": {"type": "individual", "contactPersons": [person]}})


@pytest.mark.timeout(240)
async def test_every_worker_is_restarted_in_turn(world):
    """Under load, in less time than a goodbye: each drains, ends with 0, and its partitions are worked on again."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_after", "seconds": 0.02})
    workers = [await world.start() for _ in range(WORKERS)]
    published = 0

    async def load():
        nonlocal published
        while True:
            number = published
            await world.publish(event(number), key=b"%d" % (number % KEYS), partition=number % KEYS % 2)
            published += 1

    async def goes_on():
        wanted = sandbox.ledger.created + 20
        while sandbox.ledger.created < wanted:
            await asyncio.sleep(0.02)

    loading = asyncio.create_task(load())
    async with asyncio.timeout(60):
        await goes_on()
    for restart in range(RESTARTS):
        async with asyncio.timeout(BEFORE_A_GOODBYE):
            assert await workers[restart % WORKERS].stop() == 0
        workers[restart % WORKERS] = await world.start()
        async with asyncio.timeout(BEFORE_A_GOODBYE):
            await workers[restart % WORKERS].until("partitions.assigned")
            await goes_on()
    loading.cancel()
    succeeded = await world.events(world.plan.succeeded, published)
    assert {each["data"]["request"]["id"] for each in succeeded} >= {f"e{number}" for number in range(published)}
    assert [await worker.stop() for worker in workers] == [0] * WORKERS
    assert await world.events(world.plan.failed) == []
    assert sandbox.ledger.duplicates == {}
