"""One event, again and again."""

import asyncio
from dataclasses import dataclass

from chaos.api_troubles import in_force
from chaos.scene import Scene
from chaos.stream import PARTITIONS
from chaos.troubles import Step

REPEATS = 150


@dataclass(frozen=True, slots=True)
class Repeats:
    """More of them than there are slots, of different keys, while the first one cannot be created yet."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """They wait for the first one, and nobody else waits for them."""
        partition = step.number % PARTITIONS
        first = scene.beside.item(partition)
        repeats = [scene.beside.item(partition, event=first.event) for _ in range(REPEATS)]
        busy = {
            "kind": "status",
            "status": 503,
            "headers": {"Retry-After": "1"},
            "match": {"contains": {"firstName": first.event}},
        }
        async with in_force(scene.sandbox, (busy,)):
            await scene.publish_beside(first, *repeats)
            await asyncio.sleep(step.seconds)
