"""Workers are restarted one after the other under load: no POST is repeated and no outcome is unknown."""

import asyncio
import os

from judging import numbered
from patience import PATIENCE

RESTARTS = int(os.environ.get("WORKER_TEST_RESTARTS", "4"))
WORKERS = 3
KEYS = 40


async def started(world):
    """A worker that handles signals already."""
    worker = await world.start()
    await worker.until("worker.started")
    return worker


async def test_every_worker_is_restarted_in_turn(world):
    """Each exits with 0; every event is created once and has one result."""
    await world.topics()
    sandbox = await world.sandbox({"kind": "delay_after", "seconds": 0.02})
    workers = [await started(world) for _ in range(WORKERS)]
    published, rolling = 0, True

    async def load():
        nonlocal published
        while rolling:
            number = published
            await world.publish(numbered(number), key=b"%d" % (number % KEYS), partition=number % KEYS % 2)
            published += 1

    loading = asyncio.create_task(load())
    for restart in range(RESTARTS):
        before = sandbox.ledger.created
        async with asyncio.timeout(PATIENCE):
            while sandbox.ledger.created < before + 20:
                await asyncio.sleep(0.02)
        assert await workers[restart % WORKERS].stop() == 0
        workers[restart % WORKERS] = await started(world)
    rolling = False
    await loading
    succeeded = await world.events(world.plan.succeeded, published)
    assert [await worker.stop() for worker in workers] == [0] * WORKERS
    assert await world.events(world.plan.failed) == []
    assert {each["data"]["request"]["id"] for each in succeeded} == {f"e{number}" for number in range(published)}
    assert len({each["id"] for each in succeeded}) == published
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (published, {})
