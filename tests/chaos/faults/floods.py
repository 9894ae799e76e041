"""The API refuses nearly every customer."""

import asyncio
import time
from dataclasses import dataclass

from chaos.api_troubles import in_force
from chaos.facts import Strike
from chaos.scene import Scene
from chaos.troubles import Step

REFUSED = ({"kind": "status", "status": 403, "match": {"probability": 0.97}},)
AFTERWARDS = 10.0
"""Seconds in which a refusal may still be told."""


@dataclass(frozen=True, slots=True)
class Flood:
    """A right was taken away: the workers hold, and little of the stream becomes dead letters."""

    of_kafka: bool = False

    async def strike(self, scene: Scene, step: Step) -> None:
        """Whoever is created in it is one of few."""
        began = time.time()
        async with in_force(scene.sandbox, REFUSED):
            await asyncio.sleep(step.seconds)
        scene.beside.refusals.append(Strike("flood", began, time.time() + AFTERWARDS))
