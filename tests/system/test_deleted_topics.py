"""Each of the topics is deleted under a running worker, and made again."""

import asyncio

import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, judged, requested
from patience import PATIENCE

from worker.kafka import admin
from worker.topics import TopicSpec

HELD = {"reason": "kafka_unavailable"}
BROKEN = {"pin": "x" * 256}
GONE = "it does not exist, or has no such partition"


async def delete(world, topic):
    """Delete the topic, and return once the broker does not know it any more."""
    async with admin.opened(world.connection) as client:
        await client.delete([topic])
        async with asyncio.timeout(PATIENCE):
            while (await client.cluster([topic])).topics:
                await asyncio.sleep(0.02)


async def make(world, topic, partitions=2):
    async with admin.opened(world.connection) as client:
        await client.create(TopicSpec(topic, partitions, 1))


async def ask(world, *values, key=b"k", partition=0):
    await world.publish(*values, key=key, headers=STRUCTURED, partition=partition)


async def ready(world, *faults, **settings):
    """A worker at work with one event published; the session is long, so that the group stays as it is."""
    await world.topics()
    world.hurry(WORKER_KAFKA__SESSION_TIMEOUT="45", **settings)
    sandbox = await world.sandbox(*faults, identity_attribute=NOT_LOOKED_AT)
    await ask(world, requested("first"))
    return await world.start(), sandbox


async def struck(sandbox, times):
    """Return once the sandbox's fault has struck that often."""
    async with asyncio.timeout(PATIENCE):
        while sandbox.faults.active[0].hits < times:
            await asyncio.sleep(0.01)


async def over(world, worker, sandbox, *names, told=()):
    """Stop the worker and return how each record ended; `told` are results that stood in the deleted topic."""
    assert await worker.stop() == 0
    events = [*told, *await world.events(world.plan.succeeded), *await world.events(world.plan.failed)]
    verdict = judged([Asked(0, offset, name) for offset, name in enumerate(names)], sandbox.ledger, events)
    assert verdict.problems == ()
    assert (await world.committed())[0] == len(names)
    return [verdict.endings[0, offset] for offset in range(len(names))]


async def results(world):
    """Results: the worker holds and names the topic; once it is there again the results are published."""
    worker, sandbox = await ready(world)
    told = await world.events(world.plan.succeeded, 1)
    await delete(world, world.plan.succeeded)
    await ask(world, requested("second"), requested("third"))
    (hold,) = await worker.until("hold.started", **HELD)
    assert hold["detail"] == f"{world.plan.succeeded}: {GONE}"
    await make(world, world.plan.succeeded)
    await worker.until("hold.ended", **HELD)
    await worker.until("record.finished", 3)
    assert await over(world, worker, sandbox, "first", "second", "third", told=told) == ["created"] * 3


async def dead_letters(world):
    """Dead letters: a failed event is published, and its offset committed, only after its dead letter is stored."""
    worker, sandbox = await ready(world)
    await worker.until("record.finished")
    await delete(world, world.plan.dead_letters)
    await ask(world, requested("second", **BROKEN), requested("third"))
    (hold,) = await worker.until("hold.started", **HELD)
    assert hold["detail"] == f"{world.plan.dead_letters}: {GONE}"
    assert await world.events(world.plan.failed) == []
    assert (await world.committed())[0] == 1
    await make(world, world.plan.dead_letters)
    await worker.until("hold.ended", **HELD)
    await worker.until("record.finished", 3)
    assert await over(world, worker, sandbox, "first", "second", "third") == ["created", "invalid_customer", "created"]
    assert [letter.partition for letter in await world.read(world.plan.dead_letters)] == [0]


async def requests(world):
    """Requests: records in hand are finished; then the worker holds until the topic exists and its offset is set.

    The journal knows other records under the same offsets, so that the new topic is given a new journal.
    """
    worker, sandbox = await ready(world, {"kind": "delay_before", "seconds": 1})
    await ask(world, requested("second"))
    await struck(sandbox, 2)
    await delete(world, world.plan.requests)
    (hold,) = await worker.until("hold.started", **HELD)
    # A commit at the moment of the deletion gets no answer, which may be what begins the hold.
    assert hold["detail"].removeprefix(f"{world.plan.requests}: ") in {GONE, "commit: TimeoutError"}
    await worker.until("record.finished", 2)
    assert len(await world.events(world.plan.succeeded, 2)) == 2
    await make(world, world.plan.requests)
    await worker.until("hold.ended", **HELD)
    await worker.until("hold.started", reason="offsets_lost")
    assert await worker.stop() == 0
    await ask(world, requested("third"), requested("fourth"))
    worker = await begun_anew(world)
    await worker.until("record.finished", 2)
    assert await worker.stop() == 0
    assert (await world.committed())[0] == 2
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (4, {})
    assert len({event["id"] for event in await world.events(world.plan.succeeded)}) == 4


async def begun_anew(world):
    """What the runbook says: a new journal, the offset set, then a start."""
    world.environment["WORKER_TOPICS__JOURNAL"] = f"{world.plan.journal}-2"
    await make(world, f"{world.plan.journal}-2")
    assert await (await world.start("offsets", "set", "0", "earliest", "--yes")).ended() == 0
    return await world.start()


async def requests_made_again_at_once(world):
    """Requests, made again at once: offsets of the old topic are not committed to the new one: that skips records."""
    worker, sandbox = await ready(world)
    await worker.until("record.finished")
    async with admin.opened(world.connection) as client:
        await client.delete([world.plan.requests])
    await make(world, world.plan.requests)
    (hold,) = await worker.until("hold.started", reason="offsets_lost")
    assert await worker.stop() == 0
    # The last commit may have been stored before the deletion; the brokers delete it a little later.
    if "no offset is stored, although the journal knows 1 event" in hold["detail"]:
        assert (await world.committed())[0] is None
    else:
        assert f"{world.plan.requests}/0: offset 1 is stored, and the log holds nothing" in hold["detail"]
    await ask(world, requested("second"), requested("third"))
    worker = await begun_anew(world)
    await worker.until("record.finished", 2)
    assert await worker.stop() == 0
    assert (await world.committed())[0] == 2
    assert (sandbox.ledger.created, sandbox.ledger.duplicates) == (3, {})


async def journal(world):
    """Journal: it is claimed anew, and customers that this process has created are not created again.

    The record that was in hand when the topic was deleted ends as unknown, whether it was sent or not.
    """
    # Longer than this test: a retry that falls into the deletion would be parked.
    refused = {"kind": "status", "status": 503, "times": 1, "headers": {"Retry-After": "60"}}
    worker, sandbox = await ready(world, refused, WORKER_RETRY__MAX_DELAY="60")
    await struck(sandbox, 1)
    # Behind the first record, which waits for its retry, nothing is committed.
    await ask(world, *map(requested, "abc"), key=b"other")
    await worker.until("record.finished", 3)
    await delete(world, world.plan.journal)
    await ask(world, requested("d"), key=b"other")
    (hold,) = await worker.until("hold.started", **HELD)
    assert hold["detail"] == f"{world.plan.journal}: {GONE}"
    await make(world, world.plan.journal)
    await worker.until("journal.fenced", partition=0)
    await worker.until("hold.ended", **HELD)
    for offset in (0, 4):
        await worker.until("record.finished", offset=offset)
    endings = await over(world, worker, sandbox, "first", *"abcd")
    assert endings == ["created", "created", "created", "created", "outcome_unknown"]
    assert sandbox.ledger.created == 4


async def journal_with_other_partitions(world):
    """Journal with another number of partitions: the worker does not work with it, and names both numbers."""
    worker, sandbox = await ready(world)
    await worker.until("record.finished")
    await delete(world, world.plan.journal)
    await make(world, world.plan.journal, partitions=3)
    await ask(world, requested("second"))
    (refused,) = await worker.until("journal.restore_failed", partition=0)
    assert "has 3 partitions" in refused["detail"]
    assert "has 2 partitions: they must be equal" in refused["detail"]
    await ask(world, requested("third"))
    await worker.until("journal.restore_failed", 2, partition=0)
    assert (len(worker.of("record.finished")), sandbox.ledger.created) == (1, 1)
    await delete(world, world.plan.journal)
    await make(world, world.plan.journal, partitions=1)
    await ask(world, requested("elsewhere"), partition=1)
    await worker.until("hold.started", detail=f"{world.plan.journal}: {GONE}")
    await delete(world, world.plan.journal)
    await make(world, world.plan.journal)
    await worker.until("record.finished", 4)
    assert await worker.stop() == 0
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    asked = [Asked(0, 0, "first"), Asked(0, 1, "second"), Asked(0, 2, "third"), Asked(1, 0, "elsewhere")]
    verdict = judged(asked, sandbox.ledger, told)
    assert verdict.problems == ()
    assert verdict.endings[0, 0] == "created"
    # Unknown where it was in hand when the topic was deleted the second time.
    assert verdict.endings[0, 2] in {"created", "outcome_unknown"}
    assert await world.committed() == {0: 3, 1: 1}


async def play(world, case):
    await case(world)


CASES = [
    results,
    dead_letters,
    requests,
    requests_made_again_at_once,
    journal,
    journal_with_other_partitions,
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_deleted(played, case):
    """Nothing is lost, no POST is repeated, and the worker goes on by itself; each case's function says what else."""
    await played[str(case)]
