"""Nearly every event is refused."""

from judging import STRUCTURED, requested

WRONG = 12
WINDOW = 5


async def test_events_that_really_are_wrong(world):
    """The worker holds instead of believing it; told of a window with more events than are wrong, it ends them."""
    await world.topics()
    await world.sandbox({"kind": "status", "status": 400})
    wrong = [requested(f"e{number}") for number in range(WRONG)]
    await world.publish(*wrong, headers=STRUCTURED)
    held = await world.start(WORKER_HOLD__FLOOD_WINDOW=str(WINDOW))
    await held.until("hold.started", reason="rejection_flood")
    assert await held.stop() == 0
    assert len(held.of("record.finished", reason="rejected")) < WINDOW
    told = await world.start(WORKER_HOLD__FLOOD_WINDOW=str(10 * WRONG))
    failed = await world.events(world.plan.failed, at_least=WRONG)
    assert await told.stop() == 0
    assert told.of("hold.started", reason="rejection_flood") == []
    assert [event["data"]["reason"]["code"] for event in failed] == ["rejected"] * WRONG
