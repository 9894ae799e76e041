"""What was replayed and resolved before: the request topic itself is the memory of both."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.kafka.extent import extent, unmoved
from worker.kafka.places import settled_bounds
from worker.model.records import Record
from worker.tools.dead_letters.marks import mark_of
from worker.tools.dead_letters.resolutions import Resolutions
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.offset_set import Run as Span
from worker.tools.reading.place_set import PlaceSet

TO_THE_END = 2**62


@dataclass(frozen=True, slots=True)
class LookedBack:
    """`requests` are the (first, end) offsets of the request topic by partition: what stands between them was read, as
    far as the letters go back.
    """

    requests: dict[int, Span]
    replayed: PlaceSet
    resolved: Resolutions = field(default_factory=Resolutions)

    def add(self, record: Record) -> None:
        """Each replayed record names the record that it is a replay of, and each confirmation its doubt."""
        self.resolved.add(record)
        if (place := mark_of(record)) and place.partition == record.partition:
            self.replayed.add(place)

    def began_at(self, partition: int, offset: int) -> None:
        """Retention may have taken more since the bounds were asked for: what was not read is not remembered."""
        first, end = self.requests[partition]
        self.requests[partition] = (max(first, offset), end)


async def look_back(found: Topics, lowest: Mapping[int, int]) -> LookedBack:
    """From these offsets on, by partition of the requests; nothing that is told of a record stands before it."""
    return await unmoved(lambda: _look_back(found, lowest))


async def _look_back(found: Topics, lowest: Mapping[int, int]) -> LookedBack:
    requests = await settled_bounds(found.connection, found.plan.requests, range(found.requests))
    spans = {number: (first, max(first, requests.get(number, (0, 0))[1])) for number, first in lowest.items()}
    told = LookedBack(requests, PlaceSet(spans))
    known = {number: (first, TO_THE_END) for number, first in lowest.items() if number in requests}
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
