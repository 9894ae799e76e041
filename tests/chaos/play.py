"""One seed from its first event to its facts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from chaos import topics
from chaos.api_troubles import always
from chaos.facts import Execution, Facts, Strike
from chaos.fleet import Fleet
from chaos.gate import gate_to
from chaos.scene import Scene, Tell
from chaos.settings import environment
from chaos.stream import Item, items
from chaos.striking import Striking
from chaos.troubles import Schedule
from chaos.verifying import verified

from worker.kafka import admin
from worker.kafka.connection import Connection
from worker.kafka.missing_topics import create
from worker.sandbox.api import SandboxConfig, sandbox_api
from worker.sandbox.local_kafka import LocalKafka

NOT_LOOKED_AT = "none-such"
"""As the sandbox's identity attribute: each record is known by its trace, whatever the worker writes into a body."""
VISIBILITY_LAG = 0.2


@asynccontextmanager
async def opened(schedule: Schedule, kafka: LocalKafka | str, logs: Path, tell: Tell) -> AsyncIterator[Scene]:
    """Topics, an API with faults behind a gate, and no worker yet; at the end nothing of it runs."""
    broker = kafka if isinstance(kafka, LocalKafka) else None
    servers = kafka.bootstrap_servers if isinstance(kafka, LocalKafka) else kafka
    names = topics.Names(f"chaos-{schedule.seed}-{uuid4().hex[:6]}")
    async with admin.opened(Connection(servers, request_timeout=10)) as client:
        await create(client, names.plan)
    config = SandboxConfig(identity_attribute=NOT_LOOKED_AT, visibility_lag=VISIBILITY_LAG, seed=schedule.seed)
    async with sandbox_api(config) as sandbox, gate_to(int(sandbox.base_url.rpartition(":")[2])) as gate:
        always(sandbox, schedule.noise)
        told = environment(schedule, servers, gate.url) | names.settings
        scene = Scene(schedule, names, servers, broker, sandbox, gate, Fleet(told, logs), tell)
        try:
            yield scene
        finally:
            if broker:
                broker.thaw()
            await scene.fleet.kill()


async def play(schedule: Schedule, kafka: LocalKafka | str, logs: Path, tell: Tell = lambda *_: None) -> Facts:
    """The whole seed; the workers' logs are in the folder `logs`. A Kafka that is only named is not struck."""
    stream = list(items(schedule.seed, schedule.events, schedule.keys))
    async with opened(schedule, kafka, logs, tell) as scene:
        striking = Striking(scene)
        listening = asyncio.create_task(scene.listen())
        scene.fleet.scale(schedule.workers)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(scene.publish(stream))
            for step in schedule.steps:
                tasks.create_task(striking.strike(step))
        scene.fleet.scale(schedule.workers)
        await scene.settle()
        await scene.fleet.stop()
        listening.cancel()
        return await collected(scene, stream, striking.strikes)


async def collected(scene: Scene, stream: Sequence[Item], strikes: Sequence[Strike]) -> Facts:
    """From the topics as they are now that nobody writes any more."""
    kafka, names = scene.kafka, scene.names
    told_expired = await verified(scene)
    requests, succeeded, failed, dead_letters, journal = [await topics.read(kafka, each) for each in names.topics]
    ends, committed = await topics.offsets(kafka, names)
    beside = scene.beside
    aborted = {each.place for each in beside.taken_back}
    live = [each for each in requests if (each.partition, each.offset) not in aborted]
    entries = scene.sandbox.ledger.entries()
    return Facts(
        topic=names.of("requests"),
        look_up=scene.schedule.look_up,
        asked=topics.asked(live, dict(enumerate(stream)), beside.stored),
        told=topics.told([*succeeded, *failed]),
        dead_letters=topics.dead_letters(dead_letters),
        executions=[Execution(each.identity, str(each.customer_id)) for each in entries if each.customer_id],
        calls=scene.gate.calls,
        intents=topics.intents(journal),
        announced=topics.first(journal, "intent"),
        finished=topics.first(journal, "finished"),
        strikes=strikes,
        ends=ends,
        committed=committed,
        lives=len(scene.fleet.lives),
        taken_back=beside.taken_back,
        expired=beside.expired,
        told_expired=told_expired,
        refusals=beside.refusals,
        unsearchable=beside.unsearchable,
        confirmed=beside.confirmed,
        cut_journals=beside.cut_journals,
        problems=[*scene.problems, *scene.fleet.problems, *scene.fleet.crashes()],
    )
