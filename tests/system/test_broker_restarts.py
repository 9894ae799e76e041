"""Kafka ends and starts again while a worker is stopped at each step of a record."""

import asyncio
import signal
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, judged, requested

from worker.sandbox.local_kafka import LocalKafka

STEPS = [
    ("claim", "before"),
    ("claim", "during"),
    ("intent", "during"),
    ("post", "before"),
    ("finished", "during"),
    ("dead_letter", "during"),
    ("result", "during"),
    ("commit", "before"),
]
BROKEN = {"pin": "x" * 256}


async def begun(world, step, side):
    """A worker that is frozen (SIGSTOP) at that step."""
    await world.topics()
    # The lease of a POST may be long, but the session must outlast Kafka's absence.
    world.hurry(WORKER_KAFKA__SESSION_TIMEOUT="45", WORKER_JOURNAL__INTENT_TTL="60")
    # The API answers each call, also on a busy machine.
    world.environment |= {"WORKER_API__REQUEST_TIMEOUT": "10", "WORKER_DISPATCH__DRAIN_TIMEOUT": "11"}
    sandbox = await world.sandbox(identity_attribute=NOT_LOOKED_AT)
    first = requested("first", **(BROKEN if step == "dead_letter" else {}))
    await world.publish(first, requested("second"), requested("third"), key=b"k", headers=STRUCTURED)
    worker = await world.launch(step, side, signal.SIGSTOP)
    await worker.frozen()
    return world, worker, sandbox


async def over(world, worker, sandbox):
    """Let the worker finish; the verdict on all records and what is committed."""
    await worker.until("record.finished", offset=2)
    assert await worker.stop() == 0
    asked = [Asked(0, offset, name) for offset, name in enumerate(["first", "second", "third"])]
    told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
    verdict = judged(asked, sandbox.ledger, told)
    return verdict, (await world.committed())[0]


@pytest.mark.parametrize("end", [LocalKafka.kill, LocalKafka.stop])
async def test_a_kafka_that_restarts_at_each_step(world_on, end):
    """Each worker holds while Kafka is away and goes on by itself: nothing is lost, created twice or unknown."""
    async with AsyncExitStack() as stack:
        kafka = await stack.enter_async_context(LocalKafka())
        worlds = [await stack.enter_async_context(world_on(kafka.bootstrap_servers, uuid4().hex)) for _ in STEPS]
        started = await asyncio.gather(*(begun(world, *step) for world, step in zip(worlds, STEPS, strict=True)))
        await end(kafka)
        for _, worker, _ in started:
            worker.send(signal.SIGCONT)
        stuck = [
            worker for (_, worker, _), (step, _) in zip(started, STEPS, strict=True) if step in {"intent", "result"}
        ]
        await asyncio.gather(*(worker.until("hold.started", reason="kafka_unavailable") for worker in stuck))
        await kafka.start()
        for (step, _), ended in zip(STEPS, await asyncio.gather(*(over(*each) for each in started)), strict=True):
            verdict, committed = ended
            assert (step, verdict.problems, committed) == (step, (), 3)
            good = {"invalid_customer", "created"} if step == "dead_letter" else {"created"}
            assert set(verdict.endings.values()) == good, step
