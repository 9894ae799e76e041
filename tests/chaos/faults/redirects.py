"""Sessions that die into a redirect to a login page."""

import asyncio
from dataclasses import dataclass

from chaos.api_troubles import in_force
from chaos.scene import Scene
from chaos.troubles import Step

TO_LOGIN = {"kind": "status", "status": 302, "headers": {"Location": "/login.jsp"}}


@dataclass(frozen=True, slots=True)
class Redirect:
    """Nobody is told 401; what helps is another session, and after a while it does."""

    of_kafka: bool = False

    async def strike(self, scene: Scene, step: Step) -> None:
        """Creations and look-ups alike."""
        async with in_force(scene.sandbox, (TO_LOGIN, {**TO_LOGIN, "call": "search"})):
            await asyncio.sleep(step.seconds)
