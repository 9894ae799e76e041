"""A worker is killed three times with the maximum of calls under way: no more records are unknown than those."""

import asyncio
import signal
from pathlib import Path

from judging import NOT_LOOKED_AT, STRUCTURED, Asked, judged, requested
from patience import PATIENCE

from worker.sandbox.api import Fault

HOLDING_BACK = Path(__file__).with_name("holding_back.py")
NO_DOUBT_BUT_BY_KILLS = {"WORKER_API__REQUEST_TIMEOUT": "60", "WORKER_DISPATCH__DRAIN_TIMEOUT": "61"}
KILLS, IN_FLIGHT, OF_A_PARTITION = 3, 8, 40


def late(nth):
    """Delays one answer beyond all others, so that every record that could start has started by then."""
    return Fault.model_validate({"kind": "delay_after", "seconds": 1, "match": {"nth": nth}})


async def kill(world, sandbox):
    """Kill a worker that has created as many customers as it may call for at once, and written none of them down.

    As many before them were written down, so that the worker is killed in the midst of work.
    """
    sandbox.faults.clear()
    sandbox.faults.add(late(2 * IN_FLIGHT))
    worker = await world._process(str(HOLDING_BACK), "run", WRITTEN_DOWN=str(IN_FLIGHT))
    await worker.until("customer.held_back", IN_FLIGHT)
    assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL


async def all_committed(world):
    """Return once the group has committed every record."""
    async with asyncio.timeout(PATIENCE):
        while await world.committed() != dict.fromkeys(range(2), OF_A_PARTITION):
            await asyncio.sleep(0.1)


async def test_kills_without_a_look_up(world):
    """After three kills exactly the calls under way are parked as unknown; every customer exists once."""
    await world.topics()
    world.hurry(WORKER_DISPATCH__MAX_IN_FLIGHT=str(IN_FLIGHT), **NO_DOUBT_BUT_BY_KILLS)
    sandbox = await world.sandbox(identity_attribute=NOT_LOOKED_AT)
    asked = [Asked(part, offset, f"e{part}-{offset}") for part in range(2) for offset in range(OF_A_PARTITION)]
    for part in range(2):
        values = [requested(each.event_id) for each in asked if each.partition == part]
        await world.publish(*values, partition=part, headers=STRUCTURED)
    for _ in range(KILLS):
        await kill(world, sandbox)
    worker = await world.start()
    await all_committed(world)
    assert await worker.stop() == 0
    failed = await world.events(world.plan.failed)
    verdict = judged(asked, sandbox.ledger, await world.events(world.plan.succeeded) + failed)
    assert verdict.problems == ()
    assert {event["data"]["reason"]["code"] for event in failed} == {"outcome_unknown"}
    # Each of them was under way, so that it cannot be fewer either.
    assert verdict.unknown == KILLS * IN_FLIGHT
    assert sandbox.ledger.created == len(asked)
