"""`dead-letters list`: prints the newest letters that fit, or how many there are of each kind."""

from worker import wiring
from worker.settings.settings import Settings
from worker.terminal.text import say
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.letters import bare
from worker.tools.dead_letters.listing import Summary, as_printed, print_letters, print_summary
from worker.tools.dead_letters.resolutions import resolutions
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.progress import offsets_bar


async def list_letters(settings: Settings, wanted: Filter, limit: int | None, *, summary: bool, as_json: bool) -> int:
    """Print the letters, the newest first, or the counts for a summary; returns 0."""
    found = await topics(wiring.plan(settings), wiring.connection(settings), offsets_bar)
    counted, listed = Summary(), []
    async for letter in found.newest(wanted, limit, bare if summary else as_printed(as_json=as_json)):
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
