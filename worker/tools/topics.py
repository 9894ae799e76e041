"""`topics create` makes missing topics; `topics grow` gives more partitions to those that must agree."""

import time

from worker import wiring
from worker.kafka import admin
from worker.kafka.admin import Admin
from worker.kafka.group import Group
from worker.kafka.missing_topics import create, exit_code
from worker.kafka.places import bounds, offsets_since
from worker.kafka.reader import UNCOMMITTED
from worker.model.errors import StartupError
from worker.settings.settings import Settings
from worker.terminal.text import document, say
from worker.tools.growth import Growth, Step, names, steps


async def create_topics(settings: Settings) -> int:
    """Print one line per topic; 1 where `run` would refuse to start."""
    async with admin.opened(wiring.connection(settings)) as client:
        reports = await create(client, wiring.plan(settings))
    for report in reports:
        say(str(report))
    return exit_code(reports)


async def grow_topics(settings: Settings, wanted: int, *, yes: bool, while_at_work: bool, as_json: bool) -> int:
    """Print what growing means, and do it with `yes`. StartupError where keys would move while the group is at work."""
    plan = wiring.plan(settings)
    async with admin.opened(wiring.connection(settings)) as client:
        found = steps(plan, await client.cluster(names(plan)), wanted)
        growth = await _growth(settings, client, found)
        if yes and growth.moves and growth.members and not while_at_work:
            raise StartupError(growth.refusal())
        for step in found:
            if yes and step.grows:
                await client.grow(step.topic, step.after)
    _tell(growth, wanted, done=yes, as_json=as_json)
    return 0


async def _growth(settings: Settings, client: Admin, found: list[Step]) -> Growth:
    connection, (requests, *_) = wiring.connection(settings), found
    group = Group(client, settings.kafka.group_id)
    stored = await group.stored(requests.topic)
    ends = await bounds(connection, requests.topic, range(requests.before), isolation=UNCOMMITTED)
    at = {number: stored[number].offset if number in stored else first for number, (first, _) in ends.items()}
    waiting = sum(max(0, end - at[number]) for number, (_, end) in ends.items())
    since = int((time.time() - settings.journal.window) * 1000)
    begun = await offsets_since(connection, requests.topic, range(requests.before), since)
    recent = sum(end - begun.get(number, end) for number, (_, end) in ends.items())
    return Growth(group.name, await group.members(), tuple(found), waiting, recent, settings.journal.window)


def _tell(growth: Growth, wanted: int, *, done: bool, as_json: bool) -> None:
    if as_json:
        say(document(growth.facts() | {"dryRun": not done}))
        return
    for line in growth.lines(done=done):
        say(line)
    if not any(step.grows for step in growth.steps):
        return
    if done:
        say(f"WORKER_TOPICS__PARTITIONS={wanted} from now on, so that `topics create` elsewhere makes as many")
    else:
        say("a dry run: --yes does it" + (f"; {growth.refusal()}" if growth.moves and growth.members else ""))
