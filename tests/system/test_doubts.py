"""Answers that are lost, late, garbled or missing: one worker, one record for each."""

import asyncio
from typing import Any

import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, identity, judged, requested
from patience import PATIENCE

DOUBTS: dict[str, dict[str, Any]] = {
    "lost": {"kind": "reply_lost"},
    "late": {"kind": "delay_before", "seconds": 2.5},
    "nowhere": {"kind": "location_missing"},
    "garbage": {"kind": "location_garbage"},
    "gateway": {"kind": "status_after", "status": 504},
    "silent": {"kind": "hang"},
}


@pytest.mark.parametrize("look_up", [False, True])
async def test_each_doubt(world, look_up):
    """Without a look-up each is parked after one call; with one the customer is found, or created if there is none."""
    await world.topics()
    world.hurry(look_up=look_up)
    faults = [{**fault, "times": 1, "match": {"identity": identity(name)}} for name, fault in DOUBTS.items()]
    sandbox = await world.sandbox(*faults, identity_attribute=NOT_LOOKED_AT)
    for name in DOUBTS:
        await world.publish(requested(name), key=name.encode(), headers=STRUCTURED)
    worker = await world.start()
    await worker.until("record.finished", len(DOUBTS))
    carried_out = len(DOUBTS) if look_up else len(DOUBTS) - 1
    async with asyncio.timeout(PATIENCE):
        while sandbox.ledger.created < carried_out:
            await asyncio.sleep(0.02)
    assert await worker.stop() == 0
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    verdict = judged([Asked(0, offset, name) for offset, name in enumerate(DOUBTS)], sandbox.ledger, told)
    assert verdict.problems == ()
    assert sandbox.ledger.created == carried_out
    found = {name: verdict.endings[0, offset] for offset, name in enumerate(DOUBTS)}
    parked, reconciled = dict.fromkeys(DOUBTS, "outcome_unknown"), dict.fromkeys(DOUBTS, "reconciled")
    assert found == (reconciled | {"silent": "created"} if look_up else parked)
