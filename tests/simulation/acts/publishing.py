"""What somebody publishes in a story, beside the events that it is about."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from simulation.broker.batches import odd
from simulation.facts import whole
from simulation.story import Act, Happening
from simulation.world import BOOTSTRAP, event

from .perform import Acts

if TYPE_CHECKING:
    from simulation.play import Stage

BEGINS_AGAIN_AFTER = 1.0


async def _retried(stage: "Stage", what: Happening) -> None:
    """Every second producer does not know the key any more; both send to the partition of the key."""
    stage.copies, stage.keyed = 2, what.who % 2 == 0
    stage.later(what.lasts, lambda: setattr(stage, "copies", 1))


async def _poison(stage: "Stage", what: Happening) -> None:
    values = (
        b"{",
        None,
        b"<a/>",
        b"\xff",
        orjson.dumps({"specversion": "1.0"}),
        event("").replace(b"individual", b"x"),
    )

    async def act() -> None:
        producer = await _producer()
        for number in range(what.who + 3):
            key = b"key-%d" % number if number % 2 else None
            headers = [("ce_id", b"\xff")] if number % 3 == 0 else []
            await producer.send(stage.settings.topics.requests, values[number % len(values)], key=key, headers=headers)
        await producer.stop()

    stage.also(act())


async def _odd_names(stage: "Stage", what: Happening) -> None:
    """Into one partition, between the records of everybody else."""
    cluster, topic = stage.world.cluster, stage.settings.topics.requests
    number = what.who % len(cluster.topics[topic].logs)
    pins = [f"odd-{what.at}-{index}" for index in range(what.who + 1)]
    await cluster.append(topic, number, odd([(b"odd", event(pin)) for pin in pins]), cluster.leaders[topic, number])


async def _redriven(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        producer = await _producer()
        for log in stage.world.cluster.logs(stage.settings.topics.dead_letters):
            for letter in list(whole(log))[: what.who + 1]:
                headers = [] if what.size else list(letter.headers)
                place = {"key": letter.key, "partition": _partition(stage, letter.value)}
                await producer.send(stage.settings.topics.requests, letter.value, headers=headers, **place)
        await producer.stop()

    stage.also(act())


async def _producer(**given: Any) -> AIOKafkaProducer:
    """Somebody who publishes requests, and begins again where a broker is lost at the start."""
    while True:
        producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True, **given)
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            await asyncio.sleep(BEGINS_AGAIN_AFTER)
        else:
            return producer


async def _transaction(stage: "Stage", what: Happening) -> None:
    """Of a producer that gives up where the brokers refuse it; what it has open then is aborted by them."""

    async def act() -> None:
        producer = await _producer(transactional_id=f"tx-{what.at}", transaction_timeout_ms=120_000)
        with suppress(KafkaError):
            await _three(stage, what, producer)
        await producer.stop()

    stage.also(act())


async def _three(stage: "Stage", what: Happening, producer: AIOKafkaProducer) -> None:
    await producer.begin_transaction()
    for number in range(3):
        pin = f"tx-{what.at}-{number}"
        if what.act is not Act.COMMITTED:
            stage.aborted.add(pin)
        await producer.send_and_wait(stage.settings.topics.requests, event(pin), key=b"key-%d" % number)
    await asyncio.sleep(what.lasts)
    await (producer.commit_transaction() if what.act is Act.COMMITTED else producer.abort_transaction())


async def _repeat(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        producer = await _producer()
        first = len(stage.keys) * what.who // 4
        for pin, key in list(stage.keys.items())[first : first + 3]:
            place = {"key": key, "partition": _partition(stage, event(pin))}
            await producer.send(stage.settings.topics.requests, event(pin), **place)
        await producer.stop()

    stage.also(act())


def _partition(stage: "Stage", value: bytes | None) -> int | None:
    """Where such an event stands already: a repeat is recognised there alone, also after partitions were added."""
    logs = enumerate(stage.world.cluster.topics[stage.settings.topics.requests].logs)
    return next((number for number, log in logs if any(each.value == value for each in whole(log))), None)


async def _flood(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        producer = await _producer()
        for number in range(int(what.size)):
            pin = f"bad-{what.at}-{number}"
            stage.world.api.bad.add(pin)
            await producer.send(stage.settings.topics.requests, event(pin), key=b"key-%d" % number)
        await producer.stop()

    stage.also(act())


ACTS: Acts = {
    Act.RETRIED: _retried,
    Act.POISON: _poison,
    Act.ODD_NAMES: _odd_names,
    Act.REDRIVEN: _redriven,
    Act.COMMITTED: _transaction,
    Act.ABORTED: _transaction,
    Act.OPEN: _transaction,
    Act.REPEAT: _repeat,
    Act.FLOOD: _flood,
}
