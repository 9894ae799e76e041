"""A record that waits for its answer holds back the committed offset, but those behind it are noted as finished."""

import asyncio
import signal
from collections import Counter

from judging import NOT_LOOKED_AT, STRUCTURED, Asked, judged, requested
from patience import PATIENCE

from worker.kafka import admin
from worker.kafka.committed_note import read_note
from worker.kafka.group import Group
from worker.model.progress import Spans

BEHIND = 20
WAITS = {"WORKER_API__REQUEST_TIMEOUT": "60", "WORKER_DISPATCH__DRAIN_TIMEOUT": "61"}


async def noted(world) -> Spans:
    """The offsets that the group has noted as finished behind its committed one, in the first partition."""
    async with admin.opened(world.connection) as client:
        stored = await Group(client, world.environment["WORKER_KAFKA__GROUP_ID"]).stored(world.plan.requests)
    return read_note(stored[0].metadata).published if 0 in stored else ()


async def test_a_kill_while_the_first_record_waits(world):
    """Killed meanwhile: the next worker parks the first record and publishes nothing again for the others."""
    await world.topics()
    world.hurry(**WAITS)
    sandbox = await world.sandbox({"kind": "hang", "times": 1}, identity_attribute=NOT_LOOKED_AT)
    asked = [Asked(0, offset, f"e{offset}") for offset in range(BEHIND + 1)]
    await world.publish(requested("e0"), headers=STRUCTURED)
    worker = await world.start()
    await worker.once(lambda: bool(sandbox.faults.active[0].hits))
    await world.publish(*(requested(each.event_id) for each in asked[1:]), headers=STRUCTURED)
    async with asyncio.timeout(PATIENCE):
        while await noted(world) != ((1, BEHIND + 1),):
            await asyncio.sleep(0.1)
    assert (await world.committed())[0] == 0
    assert await worker.stop(signal.SIGKILL) == -signal.SIGKILL
    successor = await world.start()
    async with asyncio.timeout(PATIENCE):
        while (await world.committed())[0] != len(asked):
            await asyncio.sleep(0.1)
    assert await successor.stop() == 0
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    verdict = judged(asked, sandbox.ledger, told)
    assert (verdict.problems, verdict.unknown) == ((), 1)
    assert set(Counter(event["id"] for event in told).values()) == {1}
