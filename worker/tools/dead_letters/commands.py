"""What `dead-letters list` and `dead-letters replay` do."""

from contextlib import AsyncExitStack

from worker import wiring
from worker.settings.settings import Settings
from worker.terminal.text import say
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.listing import Summary, print_letters, print_summary
from worker.tools.dead_letters.resolutions import resolutions
from worker.tools.dead_letters.run import Asked, Run
from worker.tools.dead_letters.topic import topics


async def list_letters(settings: Settings, wanted: Filter, limit: int | None, *, summary: bool, as_json: bool) -> int:
    """The newest first; all of them are counted for a summary."""
    found = await topics(wiring.plan(settings), wiring.connection(settings))
    counted, listed = Summary(), []
    async for letter in found.newest(wanted, limit):
        if summary:
            counted.add(letter)
        else:
            listed.append(letter)
    if summary:
        print_summary(counted, as_json=as_json)
    else:
        resolved = await resolutions(found, listed)
        print_letters([resolved.marked(letter) for letter in listed], as_json=as_json)
    if not listed and not counted.kinds:
        say("no dead letter fits", err=True)
    return 0


async def replay(settings: Settings, wanted: Filter, asked: Asked) -> int:
    """1 where a replayed record had not ended well, or not at all, when it was no longer waited for."""
    async with AsyncExitStack() as stack:
        return await Run(settings, asked, stack).replay(wanted)
