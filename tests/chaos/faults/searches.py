"""A look-up that breaks for one customer while all others are answered."""

import asyncio
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import orjson
from chaos.api_troubles import in_force
from chaos.scene import Scene
from chaos.stream import PARTITIONS, SOURCE
from chaos.troubles import Step
from patience import PATIENCE

ENDS_WITHIN = PATIENCE
"""The doubt has to settle first."""


@dataclass(frozen=True, slots=True)
class SearchBreaks:
    """The reply to its creation is lost, and the connection of each look-up for it."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """It ends as unknown after its attempts; its partition goes on."""
        item = scene.beside.item(step.number % PARTITIONS)
        scene.beside.unsearchable.add(item.event)
        query = f"={uuid5(NAMESPACE_URL, orjson.dumps([SOURCE, item.event]).decode())}".encode()
        lost = {"kind": "reply_lost", "times": 1, "match": {"contains": {"firstName": item.event}}}
        scene.gate.breaks.add(query)
        async with in_force(scene.sandbox, (lost,)):
            (place,) = await scene.publish_beside(item)
            await self._ended(scene, place)
        scene.gate.breaks.discard(query)

    async def _ended(self, scene: Scene, place: tuple[int, int]) -> None:
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                while place not in scene.ended:
                    await asyncio.sleep(0.2)
        except TimeoutError:
            scene.problems.append(f"record {place}, whose look-up breaks, had not ended within {ENDS_WITHIN:g} s")
