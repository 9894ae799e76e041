"""A worker killed again and again with as many calls under way as it may have: no more is unknown than those."""

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
    """One call that is answered after all others: whoever may begin without a call of its own has begun by then."""
    return Fault.model_validate({"kind": "delay_after", "seconds": 1, "match": {"nth": nth}})


async def kill(world, sandbox):
    """Return when a worker is dead that made as many customers as it may call for at once, and wrote none of them down.

    As many again were written down before, so that it is at work when it happens.
    """
    sandbox.faults.clear()
    sandbox.faults.add(late(2 * IN_FLIGHT))
    worker = await world._process(str(HOLDING_BACK), "run", WRITTEN_DOWN=str(IN_FLIGHT))
    await worker.until("customer.held_back", IN_FLIGHT)
    assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL


async def all_committed(world):
    """Return when the group has nothing left to do."""
    async with asyncio.timeout(PATIENCE):
        while await world.committed() != dict.fromkeys(range(2), OF_A_PARTITION):
            await asyncio.sleep(0.1)


async def test_kills_without_a_look_up(world):
    """The intent is written when its call is free, not before; and what nobody can know is made by nobody again."""
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
    # Each of them was a call in flight, so that it can be no fewer, either.
    assert verdict.unknown == KILLS * IN_FLIGHT
    assert sandbox.ledger.created == len(asked)
