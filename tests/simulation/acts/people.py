"""What people do in a story, with the commands that they have."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import orjson

from simulation.facts import whole
from simulation.loop import HERE, Machine
from simulation.story import Act, Happening
from worker.model.errors import WorkerError
from worker.tools.dead_letters import replay_letters, resolve_letter
from worker.tools.dead_letters.filters import Filter
from worker.tools.offsets import set_offset
from worker.tools.reading.place import Place

from .perform import Acts

if TYPE_CHECKING:
    from simulation.play import Stage

AGAIN_AFTER = 5.0
OFTEN = 60
STOPPED_WITHIN = 60.0


async def on_its_own(stage: "Stage", command: Coroutine[Any, Any, Any], lasts: float) -> None:
    """A command on a machine of its own, which is killed after so many seconds; whatever it refuses, it refuses."""
    machine = Machine(f"person-{len(stage.world.people)}")
    stage.world.people.append(machine)
    context = copy_context()
    context.run(HERE.set, machine)
    task = stage.world.loop.create_task(command, context=context)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    done, _ = await asyncio.wait({task}, timeout=lasts)
    if not done:
        stage.world.kill_machine(machine)
    elif (error := task.exception()) and not isinstance(error, (WorkerError, TimeoutError)):
        raise error


async def _replays(stage: "Stage", what: Happening) -> None:
    """Some dead letters, by a command that may be killed in the midst of it."""
    reasons = frozenset() if what.who % 2 else frozenset({"rejected", "forbidden", "refused", "retries_exhausted"})
    asked = replay_letters.Asked(limit=10 * (what.who + 1), yes=True)
    command = replay_letters.replay(stage.settings, Filter(reasons=reasons), asked)
    stage.also(on_its_own(stage, command, what.lasts))


async def _resolves(stage: "Stage", what: Happening) -> None:
    """Of each doubt: the customer that it has, or, where it has none, once more."""

    async def act() -> None:
        for place, pin in list(_doubts(stage))[: what.who + 2]:
            made = [each.customer for each in stage.world.api.ledger if each.pin == pin]
            if made:
                asked = resolve_letter.Asked(made[0], "individual", yes=True)
                await on_its_own(stage, resolve_letter.resolve(stage.settings, place, asked), 60.0)
            else:
                stage.accepted.add(pin)
                wanted = Filter(places=frozenset({place}))
                accepting = replay_letters.Asked(yes=True, accept_duplicates=True)
                await on_its_own(stage, replay_letters.replay(stage.settings, wanted, accepting), 60.0)

    stage.also(act())


def _doubts(stage: "Stage") -> Iterator[tuple[Place, str]]:
    for number, log in enumerate(stage.world.cluster.logs(stage.settings.topics.dead_letters)):
        for letter in whole(log):
            if dict(letter.headers).get("worker-reason") == b"outcome_unknown":
                yield Place(number, letter.offset), orjson.loads(letter.value)["id"]


async def _loses_offsets(stage: "Stage", what: Happening) -> None:
    """Nobody is in the group for so long that its offset of a partition is gone; people say where it goes on."""
    topics, cluster = stage.settings.topics, stage.world.cluster
    number = what.who % len(cluster.topics[topics.requests].logs)

    async def act() -> None:
        async with _stopped(stage):
            cluster.group(stage.settings.kafka.group_id).offsets.pop((topics.requests, number), None)
            stage.witness.began.pop(number, None)  # nobody can tell what is deleted before it begins anew
        await asyncio.sleep(what.lasts)
        async with _stopped(stage):
            await _set(stage, number)

    stage.also(act())


@asynccontextmanager
async def _stopped(stage: "Stage") -> AsyncIterator[None]:
    """Nobody is at work meanwhile, and as many as in the beginning afterwards."""
    async with stage.stopped:
        stage.closed = True
        for worker in stage.world.alive():
            worker.stopping.set()
        await asyncio.sleep(STOPPED_WITHIN)
        for worker in stage.world.alive():
            stage.world.kill(worker)
        yield
        stage.closed = False
        for _ in range(stage.story.workers):
            stage.begin()


async def _set(stage: "Stage", number: int) -> None:
    """As often as it takes: members that were killed are in the group until their session ends."""
    for _ in range(OFTEN):
        group = stage.world.cluster.group(stage.settings.kafka.group_id)
        if (stage.settings.topics.requests, number) in group.offsets:
            return
        command = set_offset(stage.settings, number, "earliest", yes=True, as_json=True)
        await on_its_own(stage, command, 30.0)
        await asyncio.sleep(AGAIN_AFTER)


ACTS: Acts = {
    Act.REPLAYED: _replays,
    Act.RESOLVED: _resolves,
    Act.OFFSETS_GONE: _loses_offsets,
}
