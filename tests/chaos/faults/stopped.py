"""A group without members for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos.scene import Scene


@asynccontextmanager
async def stopped(scene: Scene) -> AsyncIterator[None]:
    """Every worker has stopped cleanly; as many as before come back. The stream goes on meanwhile."""
    wanted = scene.fleet.wanted
    scene.fleet.scale(0)
    await scene.fleet.all_ended()
    try:
        yield
    finally:
        scene.fleet.scale(max(wanted, scene.fleet.wanted, 1))
