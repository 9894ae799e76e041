"""Finds out what was replayed and resolved before: the request topic itself is the record of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.kafka.extent import extent, unmoved
from worker.kafka.places import settled_bounds
from worker.model.records import Record
from worker.tools.dead_letters.marks import mark_of
from worker.tools.dead_letters.resolutions import Resolutions
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.offset_set import FOR_EVER
from worker.tools.reading.offset_set import Run as Span
from worker.tools.reading.place_set import PlaceSet


@dataclass(frozen=True, slots=True)
class LookedBack:
    """What was found. `requests` are the request topic's (first, end) offsets by partition.

    All between them was read, as far back as the letters go.
    """

    requests: dict[int, Span]
    replayed: PlaceSet
    resolved: Resolutions = field(default_factory=Resolutions)

    def add(self, record: Record) -> None:
        """Take a record: a replay names the record that it repeats, a confirmation the doubt that it ends."""
        self.resolved.add(record)
        if (place := mark_of(record)) and place.partition == record.partition:
            self.replayed.add(place)

    def began_at(self, partition: int, offset: int) -> None:
        """Note where reading really began: retention may have deleted more since the bounds were asked for."""
        first, end = self.requests[partition]
        self.requests[partition] = (max(first, offset), end)


async def look_back(found: Topics, lowest: Mapping[int, int]) -> LookedBack:
    """Read the requests from these offsets on, by partition; nothing about the letters' records stands before them."""
    return await unmoved(lambda: _look_back(found, lowest))


async def _look_back(found: Topics, lowest: Mapping[int, int]) -> LookedBack:
    requests = await settled_bounds(found.connection, found.plan.requests, range(found.requests))
    spans = {number: (first, max(first, requests.get(number, (0, 0))[1])) for number, first in lowest.items()}
    told = LookedBack(requests, PlaceSet(spans))
    known = {number: (first, FOR_EVER) for number, first in lowest.items() if number in requests}
    if known:
        await _read(found, known, told)
    return told


async def _read(found: Topics, spans: Mapping[int, Span], told: LookedBack) -> None:
    async with extent(found.connection, found.plan.requests, spans) as whole:
        for place, (first, _) in whole.ends.items():
            told.began_at(place.partition, first)
        read = whole.narrowed(spans)
        with found.progress("replayed before", read.size) as advance:
            async for records, passed in read.read():
                for record in records:
                    told.add(record)
                advance(passed)
