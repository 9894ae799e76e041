"""Two groups with one journal: the first goes on undisturbed, the second holds and names the first."""

import orjson

GOOD = orjson.dumps({"type": "individual", "contactPersons": [{"firstName": "Jack"}]})


async def test_a_second_group(world):
    """The second group writes nothing; after `journal adopt` with all workers stopped the journal is its own."""
    world.hurry()
    await world.topics()
    sandbox = await world.sandbox()
    ours = world.environment["WORKER_KAFKA__GROUP_ID"]
    other = {"WORKER_KAFKA__GROUP_ID": f"{ours}-renamed"}
    first = await world.start()
    await world.publish(GOOD)
    await first.until("record.finished")
    written = len(await world.read(world.plan.journal))
    second = await world.start(**other)
    holds = await second.until("hold.started", 2, reason="journal_shared")
    assert all(f"group {ours}" in each["detail"] and f"--from {ours}" in each["detail"] for each in holds)
    assert len(await world.read(world.plan.journal)) == written
    await world.publish(GOOD)
    await first.until("record.finished", 2)
    assert not first.of("journal.fenced")
    adopt = ("journal", "adopt", "--from", ours, "--yes")
    refused = await world.start(*adopt, **other)
    assert (await refused.ended(), "at work" in "".join(refused.text)) == (1, True)
    assert [await worker.stop() for worker in (first, second)] == [0, 0]
    taken = await world.start(*adopt, **other)
    assert await taken.ended() == 0, taken.text
    second, first = await world.start(**other), await world.start()
    await second.until("journal.restored", 2)
    await first.until("hold.started", 2, reason="journal_shared")
    assert [await worker.stop() for worker in (first, second)] == [0, 0]
    assert sandbox.ledger.created == 2
