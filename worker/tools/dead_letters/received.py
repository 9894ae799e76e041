"""The record that a dead letter is about, as the worker received it."""

from dataclasses import dataclass

from worker.kafka.places import places
from worker.model.records import Record
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.replay import FOREIGN, GONE, is_original
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place

NAMELESS = "its headers do not tell which record it is of"


@dataclass(frozen=True, slots=True)
class Lacking:
    """Why nobody can tell how the worker received the record."""

    why: str


async def received(found: Topics, which: Letter, record: Record) -> Record | Lacking:
    """The record that the letter is about, or why it cannot be told.

    If the letter left the value out, the original is read, with its key and headers; it must still be at its place.
    """
    if which.reason is None:
        return Lacking(FOREIGN)
    if which.request is None:
        return Lacking(NAMELESS)
    if which.topic != found.plan.requests:
        return Lacking(f"its record is of another topic than {found.plan.requests}")
    if which.omitted:
        was = await _there(found, which.request)
        return was if was and is_original(was, which, record) else Lacking(GONE)
    value = None if which.null else record.value
    return Record(found.plan.requests, *which.request, which.requested or 0, record.key, value, record.headers)


async def _there(found: Topics, request: Place) -> Record | None:
    if request.partition >= found.requests:
        return None
    async with places(found.connection, found.plan.requests) as topic:
        return await topic.at(request.partition, request.offset)
