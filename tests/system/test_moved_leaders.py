"""One of two brokers is killed and comes back while a worker is busy: leaders and the coordinator move both times."""

import asyncio
from contextlib import suppress
from itertools import count
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from judging import NOT_LOOKED_AT, STRUCTURED, Asked, judged, requested
from patience import PATIENCE
from two_brokers import two_brokers

from worker.model.errors import KafkaUnavailable

KEYS = 20
WITHIN = PATIENCE


async def ask(world, asked, going_on):
    """Publish events to both partitions until told to stop; each is stored once, whichever broker leads."""
    async with AIOKafkaProducer(bootstrap_servers=world.kafka, acks="all", enable_idempotence=True) as producer:
        for number in count():
            if not going_on.is_set():
                return
            key = b"%d" % (number % KEYS)
            sent = await producer.send(
                world.plan.requests, requested(f"e{number}"), key, number % KEYS % 2, headers=list(STRUCTURED)
            )
            stored = await asyncio.wait_for(sent, WITHIN)
            asked.append(Asked(stored.partition, stored.offset, f"e{number}", key))
            await asyncio.sleep(0.005)


async def created(sandbox, more, worker, asked):
    """Return once that many more customers are created; else fail and tell whether producer or worker stands still."""
    wanted, asked_then = sandbox.ledger.created + more, len(asked)
    try:
        async with asyncio.timeout(WITHIN):
            while sandbox.ledger.created < wanted:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{len(asked) - asked_then} were asked for meanwhile; {worker.last_lines()}") from None


async def leads(brokers, topics, wanted):
    """Return once the second broker leads some of these partitions (`wanted`), or none."""
    async with asyncio.timeout(WITHIN):
        while True:
            # A question may still go to the broker that was killed.
            with suppress(KafkaUnavailable):
                if bool(await brokers.led_by_second(*topics)) is wanted:
                    return
            await asyncio.sleep(0.1)


async def test_leaders_move_away_and_back(world_on):
    """Every record is created once, and the worker goes on by itself both times."""
    async with two_brokers() as brokers, world_on(brokers.first.bootstrap_servers, uuid4().hex) as world:
        await world.topics(replication_factor=2)
        group = await brokers.group_of_second("group")
        world.hurry(WORKER_KAFKA__GROUP_ID=group, WORKER_KAFKA__SESSION_TIMEOUT="45", WORKER_JOURNAL__INTENT_TTL="10")
        # The API answers each call, also on a busy machine.
        world.environment |= {"WORKER_API__REQUEST_TIMEOUT": "10", "WORKER_DISPATCH__DRAIN_TIMEOUT": "11"}
        sandbox = await world.sandbox({"kind": "delay_after", "seconds": 0.01}, identity_attribute=NOT_LOOKED_AT)
        topics = [name for _, name in world.plan.names()]
        asked: list[Asked] = []
        worker, going_on = await world.start(), asyncio.Event()
        going_on.set()
        asking = asyncio.create_task(ask(world, asked, going_on))
        await created(sandbox, 20, worker, asked)
        assert await brokers.led_by_second(*topics)
        await brokers.second.kill()
        await leads(brokers, topics, wanted=False)
        await created(sandbox, 20, worker, asked)
        await brokers.second.start()
        await leads(brokers, topics, wanted=True)
        await created(sandbox, 20, worker, asked)
        going_on.clear()
        await asking
        await worker.until("record.finished", len(asked))
        assert await worker.stop() == 0
        told = await world.events(world.plan.succeeded) + await world.events(world.plan.failed)
        verdict = judged(asked, sandbox.ledger, told)
        assert verdict.problems == ()
        assert set(verdict.endings.values()) == {"created"}
        ends = {number: sum(each.partition == number for each in asked) for number in (0, 1)}
        assert await world.committed() == ends
