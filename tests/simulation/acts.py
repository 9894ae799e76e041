"""What happens in a story, done to its world."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from aiokafka import AIOKafkaProducer

from worker.settings.settings import Settings

from . import people
from .broker.batches import odd
from .facts import superseded, whole
from .story import Act, Happening
from .world import BOOTSTRAP, NODES, Worker, event

if TYPE_CHECKING:
    from .play import Stage


MOST_WORKERS = 6
MAPPING = Path(__file__).with_name("mapping.toml")
"""To workers with this file each event is another source's."""
CHANGES: Mapping[int, Mapping[str, Any]] = {1: {"max_bytes": 100}, 3: {"mapping": MAPPING}}
SEARCHED_AFTER = 60.0


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
            worker.machine.wall_ahead += what.size
            stage.world.loop.thaw(worker.machine)

        stage.later(what.lasts, thaw)


async def _kill(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        stage.world.kill(worker)
        stage.begin()


async def _stop(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        worker.stopping.set()
        stage.begin()


async def _reset(stage: "Stage", what: Happening) -> None:
    """Every second one goes back to the settings that were there before."""
    if worker := _worker(stage, what):
        worker.stopping.set()
        stage.begin(_changed(stage.settings, CHANGES.get(what.who, {})))


def _changed(settings: Settings, events: Mapping[str, Any]) -> Settings:
    return settings.model_copy(update={"events": settings.events.model_copy(update=events)})


async def _retried(stage: "Stage", what: Happening) -> None:
    """Every second producer does not know the key any more; both send to the partition of the key."""
    stage.copies, stage.keyed = 2, what.who % 2 == 0
    stage.later(what.lasts, lambda: setattr(stage, "copies", 1))


async def _skew(stage: "Stage", what: Happening) -> None:
    if there := stage.world.alive():
        there[what.who % len(there)].machine.wall_ahead += what.size


async def _cut_off(stage: "Stage", what: Happening) -> None:
    if worker := _worker(stage, what):
        way = (worker.machine, stage.world.cluster.coordinator)
        stage.world.network.blocked.add(way)
        stage.later(what.lasts, lambda: stage.world.network.blocked.discard(way))


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
    nodes = {_node(what)} if what.act is Act.BROKER_FROZEN else set(NODES)
    frozen = stage.world.cluster.frozen
    frozen |= nodes
    stage.later(what.lasts, lambda: frozen.difference_update(nodes))


def _node(what: Happening) -> int:
    return NODES[what.who % len(NODES)]


async def _slow(stage: "Stage", what: Happening) -> None:
    stage.world.cluster.slow = 2.0
    stage.later(what.lasts, lambda: setattr(stage.world.cluster, "slow", 0.0))


async def _leader_gone(stage: "Stage", what: Happening) -> None:
    """Each topic's partition of that number: what only the leader had is gone, where it was lost."""
    cluster = stage.world.cluster
    for topic in cluster.topics.values():
        number = what.who % len(topic.logs)
        after = next((node for node in sorted(cluster.nodes) if node != cluster.leaders[topic.name, number]), None)
        if after is not None:
            cluster.move_leader(topic.name, number, after, clean=what.act is Act.LEADER_MOVED)
    if what.act is Act.LEADER_LOST:
        stage.world.network.cut()


async def _coordinator(stage: "Stage", what: Happening) -> None:
    if _node(what) in stage.world.cluster.nodes:
        stage.world.cluster.coordinator = _node(what)


async def _down(stage: "Stage", what: Happening) -> None:
    node, cluster = _node(what), stage.world.cluster
    if len(cluster.nodes) == 1 or node not in cluster.nodes:
        return
    cluster.leave(node)
    stage.world.network.cut(node)
    stage.later(what.lasts, lambda: cluster.nodes.add(node))


async def _grown(stage: "Stage", what: Happening) -> None:
    topics, cluster = stage.settings.topics, stage.world.cluster
    partitions = len(cluster.topics[topics.requests].logs) + 1
    cluster.grow(topics.requests, partitions)
    stage.later(what.lasts, lambda: cluster.grow(topics.journal, partitions))


async def _more(stage: "Stage", _: Happening) -> None:
    if len(stage.world.alive()) < MOST_WORKERS:
        stage.begin()


async def _less(stage: "Stage", what: Happening) -> None:
    going_on = [each for each in stage.world.alive() if not each.stopping.is_set()]
    if (worker := _worker(stage, what)) and len(going_on) > 1:
        worker.stopping.set()


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


async def _strangers(stage: "Stage", what: Happening) -> None:
    """Every other event from here on, or every event; a search finds them at once."""
    api = stage.world.api
    for number in range(stage.published, stage.story.events, 1 + what.who % 2):
        address = {"emailAddress": f"{number}@example.com"}
        api.execute({"pin": f"stranger-{what.at}-{number}", "contactPoints": address}, since=-SEARCHED_AFTER)


async def _redriven(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        producer = await _producer()
        for log in stage.world.cluster.topics[stage.settings.topics.dead_letters].logs:
            for letter in list(whole(log))[: what.who + 1]:
                headers = [] if what.size else list(letter.headers)
                place = {"key": letter.key, "partition": _partition(stage, letter.value)}
                await producer.send(stage.settings.topics.requests, letter.value, headers=headers, **place)
        await producer.stop()

    stage.also(act())


async def _producer(**given: Any) -> AIOKafkaProducer:
    """Somebody who publishes requests."""
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, enable_idempotence=True, **given)
    await producer.start()
    return producer


async def _transaction(stage: "Stage", what: Happening) -> None:
    async def act() -> None:
        name = f"tx-{what.at}"
        producer = await _producer(transactional_id=name, transaction_timeout_ms=120_000)
        await producer.begin_transaction()
        for number in range(3):
            pin = f"{name}-{number}"
            if what.act is not Act.COMMITTED:
                stage.aborted.add(pin)
            await producer.send_and_wait(stage.settings.topics.requests, event(pin), key=b"key-%d" % number)
        await asyncio.sleep(what.lasts)
        await (producer.commit_transaction() if what.act is Act.COMMITTED else producer.abort_transaction())
        await producer.stop()

    stage.also(act())


async def _deleted(stage: "Stage", what: Happening) -> None:
    topic = stage.world.cluster.topics[stage.settings.topics.requests]
    log = topic.logs[what.who % len(topic.logs)]
    log.delete_before(log.stable if what.who >= 2 else (log.start + log.stable) // 2)


async def _compacted(stage: "Stage", _: Happening) -> None:
    for log in stage.world.cluster.topics[stage.settings.topics.journal].logs:
        log.compact(set(superseded(log)))


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


PERFORM: dict[Act, Callable[["Stage", Happening], Awaitable[None]]] = {
    Act.FREEZE: _freeze,
    Act.SUSPEND: _freeze,
    Act.KILL: _kill,
    Act.STOP: _stop,
    Act.SKEW: _skew,
    Act.RESET: _reset,
    Act.RETRIED: _retried,
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
    Act.LEADER_LOST: _leader_gone,
    Act.LEADER_MOVED: _leader_gone,
    Act.COORDINATOR_MOVED: _coordinator,
    Act.BROKER_DOWN: _down,
    Act.BROKER_FROZEN: _frozen,
    Act.CUT_OFF: _cut_off,
    Act.GROWN: _grown,
    Act.MORE: _more,
    Act.LESS: _less,
    Act.POISON: _poison,
    Act.ODD_NAMES: _odd_names,
    Act.STRANGERS: _strangers,
    Act.REDRIVEN: _redriven,
    Act.COMMITTED: _transaction,
    Act.ABORTED: _transaction,
    Act.OPEN: _transaction,
    Act.DELETED: _deleted,
    Act.COMPACTED: _compacted,
    Act.REPEAT: _repeat,
    Act.FLOOD: _flood,
    Act.REPLAYED: people.replays,
    Act.RESOLVED: people.resolves,
    Act.OFFSETS_GONE: people.loses_offsets,
}
