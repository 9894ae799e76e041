"""What happens in a story, done to its world."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer

from .story import Act, Happening
from .world import Worker, event

if TYPE_CHECKING:
    from .play import Stage


async def perform(stage: "Stage", what: Happening) -> None:
    """Begin it; what lasts ends by itself."""
    await PERFORM[what.act](stage, what)


def _worker(stage: "Stage", what: Happening) -> Worker | None:
    there = [each for each in stage.world.alive() if not each.machine.frozen and not each.stopping.is_set()]
    return there[what.who % len(there)] if there else None


async def _freeze(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        stage.world.loop.freeze(worker.machine)

        def thaw() -> None:
            if what.act is Act.SUSPEND:
                worker.machine.suspended += what.lasts
            stage.world.loop.thaw(worker.machine)

        stage.later(what.lasts, thaw)


async def _kill(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        stage.world.kill(worker)
        stage.world.begin(stage.settings)


async def _stop(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        worker.stopping.set()
        stage.world.begin(stage.settings)


async def _skew(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        worker.machine.wall_ahead += what.size


def _manner(
    name: str, value: Callable[[Happening], Any], normal: Any
) -> Callable[["Stage", Happening], Awaitable[None]]:
    async def change(stage: "Stage", what: Happening) -> None:
        manners = stage.world.api.manners
        setattr(manners, name, value(what))
        stage.later(what.lasts, lambda: setattr(manners, name, normal))

    return change


async def _cut(stage: "Stage", _: Happening) -> None:
    stage.world.network.cut()


async def _lossy(stage: "Stage", what: Happening) -> None:
    stage.world.network.lossy = 0.05
    stage.later(what.lasts, lambda: setattr(stage.world.network, "lossy", 0.0))


async def _frozen(stage: "Stage", what: Happening) -> None:
    stage.world.cluster.frozen.add(1)
    stage.later(what.lasts, lambda: stage.world.cluster.frozen.discard(1))


async def _slow(stage: "Stage", what: Happening) -> None:
    stage.world.cluster.slow = 2.0
    stage.later(what.lasts, lambda: setattr(stage.world.cluster, "slow", 0.0))


async def _leader_lost(stage: "Stage", what: Happening) -> None:
    """Each topic's partition of that number: what only the leader had is gone, and its acknowledgements never come."""
    for topic in stage.world.cluster.topics.values():
        number = what.who % len(topic.logs)
        stage.world.cluster.move_leader(topic.name, number, 1, clean=False)
    stage.world.network.cut()


async def _transaction(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        name = f"tx-{what.at}"
        producer = AIOKafkaProducer(
            bootstrap_servers="broker-1:9092", transactional_id=name, transaction_timeout_ms=120_000
        )
        await producer.start()
        await producer.begin_transaction()
        for number in range(3):
            pin = f"{name}-{number}"
            stage.aborted.add(pin)
            await producer.send_and_wait(stage.settings.topics.requests, event(pin), key=b"key-%d" % number)
        await asyncio.sleep(what.lasts)
        await producer.abort_transaction()
        await producer.stop()

    stage.also(act())


async def _deleted(stage: "Stage", what: Happening) -> None:
    topic = stage.world.cluster.topics[stage.settings.topics.requests]
    log = topic.logs[what.who % len(topic.logs)]
    log.delete_before((log.start + log.stable) // 2)


async def _journal_deleted(stage: "Stage", what: Happening) -> None:
    """Retention takes what is older than any window; here the claims and entries before the last committed record."""
    del stage, what


async def _repeat(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        producer = AIOKafkaProducer(bootstrap_servers="broker-1:9092", enable_idempotence=True)
        await producer.start()
        for pin, key in list(stage.keys.items())[what.who : what.who + 3]:
            await producer.send(stage.settings.topics.requests, event(pin), key=key)
        await producer.stop()

    stage.also(act())


async def _flood(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        producer = AIOKafkaProducer(bootstrap_servers="broker-1:9092", enable_idempotence=True)
        await producer.start()
        for number in range(int(what.size)):
            pin = f"bad-{what.at}-{number}"
            stage.world.api.bad.add(pin)
            await producer.send(stage.settings.topics.requests, event(pin), key=b"key-%d" % number)
        await producer.stop()

    stage.also(act())


PERFORM: dict[Act, Callable[["Stage", Happening], Awaitable[None]]] = {
    Act.FREEZE: _freeze,
    Act.SUSPEND: _freeze,
    Act.KILL: _kill,
    Act.STOP: _stop,
    Act.SKEW: _skew,
    Act.API_LOST: _manner("lost_after", lambda _: 0.4, 0.0),
    Act.API_BEFORE: _manner("lost_before", lambda _: 0.4, 0.0),
    Act.API_LATE: _manner("late", lambda _: 0.4, 0.0),
    Act.API_AWAY: _manner("unreachable", lambda _: 1.0, 0.0),
    Act.API_STATUS: _manner("statuses", lambda what: {int(what.size): 0.7}, {}),
    Act.API_NO_ID: _manner("no_location", lambda _: 0.6, 0.0),
    Act.API_HIDDEN: _manner("hidden", lambda _: 0.6, 0.0),
    Act.API_EXPIRES: _manner("expire", lambda _: 0.2, 0.0),
    Act.API_LOGIN: _manner("to_login", lambda _: True, normal=False),
    Act.API_LOCKED: _manner("refuse_logins", lambda _: True, normal=False),
    Act.SEARCH_REFUSED: _manner("search_refused", lambda _: True, normal=False),
    Act.SEARCH_LAG: _manner("search_lag", lambda what: what.size, 1.0),
    Act.KAFKA_CUT: _cut,
    Act.KAFKA_LOSSY: _lossy,
    Act.KAFKA_FROZEN: _frozen,
    Act.KAFKA_SLOW: _slow,
    Act.LEADER_LOST: _leader_lost,
    Act.ABORTED: _transaction,
    Act.OPEN: _transaction,
    Act.DELETED: _deleted,
    Act.JOURNAL_DELETED: _journal_deleted,
    Act.REPEAT: _repeat,
    Act.FLOOD: _flood,
}
