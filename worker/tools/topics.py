"""`topics create`: makes the topics that are missing, and says what became of each."""

from worker import wiring
from worker.kafka import admin
from worker.kafka.missing_topics import create, exit_code
from worker.settings.settings import Settings
from worker.terminal.text import say


async def create_topics(settings: Settings) -> int:
    """One line per topic; 1 when `run` would refuse to start."""
    async with admin.opened(wiring.connection(settings)) as client:
        reports = await create(client, wiring.plan(settings))
    for report in reports:
        say(str(report))
    return exit_code(reports)
