"""What the pages read from, opened once for all of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from worker import wiring
from worker.console import desk
from worker.console.desk import Desk
from worker.console.now.watching import Watching, watching
from worker.console.work.verifying import Verifying
from worker.kafka.connection import Connection
from worker.settings.settings import Settings
from worker.topics import Plan


@dataclass(frozen=True, slots=True)
class Sources:
    """All that pages need of the outside."""

    settings: Settings
    plan: Plan
    connection: Connection
    watching: Watching
    desk: Desk
    verifying: Verifying


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sources]:
    """Open at once, whether Kafka answers or not: a page says so, and works as soon as it does."""
    plan, connection = wiring.plan(settings), wiring.connection(settings)
    watched = Watching(settings.console.workers, connection, plan.requests, settings.kafka.group_id)
    async with watching(watched), desk.opened(settings) as opened_desk:
        verifying = Verifying(settings)
        try:
            yield Sources(settings, plan, connection, watched, opened_desk, verifying)
        finally:
            await verifying.close()
