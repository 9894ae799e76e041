"""Workers are restarted under load over TLS, on an event loop that waits for ever for a server's TLS goodbye."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from judging import numbered
from secured import SecuredKafka

# One event loop for the module, as its one broker is shared.
pytestmark = pytest.mark.asyncio(loop_scope="module")
WORKERS, RESTARTS, KEYS = 3, 4, 40
POLITE = Path(__file__).parents[1] / "polite.py"
WITHIN = 100


@pytest_asyncio.fixture(loop_scope="module")
async def world(secured: SecuredKafka, world_on: Any) -> AsyncIterator[Any]:
    async with world_on(secured.plain, f"t-{uuid4().hex[:12]}") as opened:
        opened.environment |= {
            "WORKER_KAFKA__BOOTSTRAP_SERVERS": secured.broker.address("SSL"),
            "WORKER_KAFKA__SECURITY_PROTOCOL": "SSL",
            "WORKER_KAFKA__CA_FILE": str(secured.certificates.ca),
        }
        yield opened


async def started(world):
    """A worker on that event loop that handles signals already."""
    worker = await world._process(str(POLITE))
    await worker.until("worker.started")
    return worker


async def ended(world):
    """The ids of the events that have their customer."""
    return {each["data"]["request"]["id"] for each in await world.events(world.plan.succeeded)}


@pytest.mark.timeout(600)
async def test_every_worker_is_restarted_in_turn(world):
    """Each exits with 0, and its partitions are worked on again: nothing ever waits for the goodbye."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_after", "seconds": 0.02})
    workers = [await started(world) for _ in range(WORKERS)]
    published = 0

    async def load():
        nonlocal published
        while True:
            number = published
            await world.publish(numbered(number), key=b"%d" % (number % KEYS), partition=number % KEYS % 2)
            published += 1

    async def goes_on():
        wanted = sandbox.ledger.created + 20
        while sandbox.ledger.created < wanted:
            await asyncio.sleep(0.02)

    loading = asyncio.create_task(load())
    async with asyncio.timeout(WITHIN):
        await goes_on()
    for restart in range(RESTARTS):
        async with asyncio.timeout(WITHIN):
            assert await workers[restart % WORKERS].stop() == 0
        workers[restart % WORKERS] = await started(world)
        async with asyncio.timeout(WITHIN):
            await workers[restart % WORKERS].until("partitions.assigned")
            await goes_on()
    loading.cancel()
    # The last event may have been published when the load was cancelled.
    async with asyncio.timeout(WITHIN):
        while {f"e{number}" for number in range(published)} - await ended(world):
            await asyncio.sleep(0.5)
    assert [await worker.stop() for worker in workers] == [0] * WORKERS
    assert await world.events(world.plan.failed) == []
    assert sandbox.ledger.duplicates == {}
