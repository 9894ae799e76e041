"""Finds the letter that an address names."""

from worker.console.web.answers import NotThere
from worker.console.web.asked import Asked
from worker.model.records import Record
from worker.tools.dead_letters.filters import PLACE
from worker.tools.dead_letters.letters import letter
from worker.tools.dead_letters.shown import Shown, record_at
from worker.tools.dead_letters.topic import topics
from worker.tools.reading.place import Place


def place_of(asked: Asked) -> Place:
    """The place in the address. Raises NotThere."""
    return place_in(asked.parts.get("place", ""))


def place_in(text: str) -> Place:
    """Read a place. Raises NotThere where the text names none."""
    if found := PLACE.fullmatch(text):
        return Place(int(found[1]), int(found[2]))
    raise NotThere("a dead letter is named PARTITION@OFFSET")


async def read(asked: Asked, place: Place | None = None) -> tuple[Shown, Record]:
    """The letter at that place, or at the address's, and its record. Raises NotThere."""
    place, sources = place or place_of(asked), asked.sources
    found = await topics(sources.plan, sources.connection)
    if place.partition >= found.dead_letters:
        raise NotThere(f"there is no dead letter {place}")
    record = await record_at(found, place)
    return Shown(sources.settings, found, letter(record)), record
