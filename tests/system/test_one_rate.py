"""MAX_RATE is the rate of the whole group, however many workers it has: three, six, one."""

from dataclasses import replace

from judging import most_within, numbered
from patience import until

RATE = 20
PARTITIONS = 6
EVENTS = 360
WINDOW = 10.0
"""Seconds over which the rate is judged: within one second a busy machine may deliver what was sent in several."""


async def test_three_then_six_then_one(world):
    """All customers are created once, and no ten seconds have more than 1.1 times the rate."""
    world.plan = replace(world.plan, partitions=PARTITIONS)
    world.hurry(WORKER_DISPATCH__MAX_RATE=str(RATE), WORKER_JOURNAL__INTENT_TTL="10")
    await world.topics()
    sandbox = await world.sandbox()
    for partition in range(PARTITIONS):
        share = range(partition, EVENTS, PARTITIONS)
        await world.publish(*[numbered(number) for number in share], partition=partition)
    workers = [await world.start() for _ in range(3)]
    await until(lambda: sandbox.ledger.created >= 60)
    workers += [await world.start() for _ in range(3)]
    for worker in workers:
        await worker.until("journal.restored")
    before = sandbox.ledger.created
    await until(lambda: sandbox.ledger.created >= min(before + 80, EVENTS - 60))
    assert [await worker.stop() for worker in workers[1:]] == [0] * 5
    await until(lambda: sandbox.ledger.created == EVENTS)
    assert await workers[0].stop() == 0
    times = [entry.time for entry in sandbox.ledger.entries()]
    assert most_within(WINDOW, times) <= 1.1 * RATE * WINDOW
    assert sandbox.ledger.duplicates == {}
