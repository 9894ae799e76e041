"""Which dead letters a run is about, kept in one bit each, and reading those letters again."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from worker.kafka.extent import extent, what_is_left
from worker.kafka.places import bounds
from worker.kafka.reader import UNCOMMITTED
from worker.model.records import Record
from worker.tools.dead_letters.filters import Filter
from worker.tools.dead_letters.letters import Letter, bare
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.place import Place
from worker.tools.reading.place_set import PlaceSet


@dataclass(frozen=True, slots=True)
class Selection:
    """Selected letters. `lowest` is, by partition of the requests, the first record that one of them is about."""

    places: PlaceSet
    lowest: dict[int, int] = field(default_factory=dict)

    def add(self, place: Place, request: Place | None) -> None:
        """Add a letter; `request` is the record of the request topic that it is about, if any."""
        self.places.add(place)
        if request is not None:
            self.lowest[request.partition] = min(request.offset, self.lowest.get(request.partition, request.offset))


async def select(found: Topics, wanted: Filter, limit: int | None) -> Selection:
    """The newest letters that fit, at most `limit`."""
    spans = await bounds(found.connection, found.plan.dead_letters, range(found.dead_letters), isolation=UNCOMMITTED)
    selection = Selection(PlaceSet(spans))
    async for letter in found.newest(wanted, limit, bare):
        selection.add(letter.place, request_of(letter, found.plan.requests))
    return selection


def request_of(letter: Letter, topic: str) -> Place | None:
    """The record of that topic that the letter is about; None where it is about none."""
    return letter.request if letter.reason and letter.topic == topic else None


async def selected(found: Topics, places: PlaceSet) -> AsyncGenerator[list[Record]]:
    """Yield the letters themselves, partition by partition, in their order, as far as they are still there."""
    spans = {number: (start, places.spans[number][1]) for number, start in places.lowest().items()}
    if not spans:
        return
    async with extent(found.connection, found.plan.dead_letters, spans, isolation=UNCOMMITTED) as whole:
        with found.progress("dead letters", whole.narrowed(spans).size) as advance:
            for number, span in spans.items():
                async for records, passed in what_is_left(whole, number, span):
                    yield [each for each in records if Place(each.partition, each.offset) in places]
                    advance(passed)
