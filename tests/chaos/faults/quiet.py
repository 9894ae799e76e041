"""An outage in which every call is parked, and after which nothing more comes."""

import asyncio
from dataclasses import dataclass

from chaos.api_troubles import FAULTS, in_force
from chaos.scene import Scene
from chaos.stream import PARTITIONS
from chaos.troubles import Step, Trouble
from patience import PATIENCE

ENDS_WITHIN = PATIENCE
BURST = 24
QUIET_FOR = 3.0
OF_THE_API = ("api_unavailable", "session_refused")


@dataclass(frozen=True, slots=True)
class Quiet:
    """A hold about the API has nothing left to probe with, and must end all the same."""

    of_kafka: bool = True

    async def strike(self, scene: Scene, step: Step) -> None:
        """The stream stands still until the holds are over."""
        scene.flowing.clear()
        try:
            await asyncio.sleep(QUIET_FOR)
            async with in_force(scene.sandbox, FAULTS[Trouble.HANG]):
                await scene.publish_beside(*(scene.beside.item(number % PARTITIONS) for number in range(BURST)))
                await asyncio.sleep(step.seconds)
            await self._over(scene)
        finally:
            scene.flowing.set()

    async def _over(self, scene: Scene) -> None:
        try:
            async with asyncio.timeout(ENDS_WITHIN):
                while held := [life.log.name for life in scene.fleet.running if is_held(life.log.read_text())]:
                    await asyncio.sleep(0.5)
        except TimeoutError:
            scene.problems.append(f"{', '.join(held)}: a hold about the API lasts while nothing comes")


def is_held(log: str) -> bool:
    """Whether the last word about a hold of the API is that it began."""
    lines = [line for line in log.splitlines() if '"hold.' in line and any(f'"{each}"' in line for each in OF_THE_API)]
    return bool(lines) and '"hold.started"' in lines[-1]
