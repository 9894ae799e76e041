"""Which doubts people have ended, by the request topic: each confirmation names the record and the event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from worker.events.cloud_events import CONFIRMED
from worker.events.letter_headers import RESOLVES, last
from worker.kafka.extent import extent, unmoved
from worker.model.records import Record
from worker.tools.dead_letters.letters import Letter
from worker.tools.dead_letters.marks import place_in
from worker.tools.dead_letters.topic import Topics
from worker.tools.reading.offset_set import FOR_EVER
from worker.tools.reading.place import Place

MARK = CONFIRMED.encode()


@dataclass(frozen=True, slots=True)
class Resolution:
    """A confirmation in the request topic, and the customer that it names, if it can be read."""

    at: Place
    customer_id: str | None = None


@dataclass(slots=True)
class Resolutions:
    """The confirmations that were found; there are few, as people typed them. The newest of an event counts."""

    _places: dict[Place, Resolution] = field(default_factory=dict)
    _events: dict[tuple[str, str], Resolution] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take any record of the request topic; hardly any is a confirmation."""
        if MARK not in (record.value or b"") and last(record.headers, RESOLVES) is None:
            return
        event, customer_id = _told(record.value)
        found = Resolution(Place(record.partition, record.offset), customer_id)
        if event:
            self._events[event] = found
        if (place := place_in(record, RESOLVES)) and place.partition == record.partition:
            self._places[place] = found

    def of(self, letter: Letter) -> Resolution | None:
        """The letter's confirmation; None where the letter is no doubt, or still is one."""
        if not letter.is_doubt or letter.request is None:
            return None
        by_event = self._events.get((letter.event_source or "", letter.event_id or ""))
        return by_event or self._places.get(letter.request)

    def marked(self, letter: Letter) -> Letter:
        """The letter, marked with where it was resolved, if it was."""
        found = self.of(letter)
        return replace(letter, resolved=found.at) if found else letter


async def resolutions(found: Topics, letters: Iterable[Letter]) -> Resolutions:
    """The confirmations of the doubts among these letters. The requests are read from the oldest doubt on, if any."""
    starts = _behind(found, letters)
    return await unmoved(lambda: _read(found, starts)) if starts else Resolutions()


async def _read(found: Topics, starts: Mapping[int, int]) -> Resolutions:
    told = Resolutions()
    async with extent(found.connection, found.plan.requests, starts) as whole:
        read = whole.narrowed({number: (first, FOR_EVER) for number, first in starts.items()})
        with found.progress("resolved before", read.size) as advance:
            async for records, passed in read.read():
                for record in records:
                    told.add(record)
                advance(passed)
    return told


def _behind(found: Topics, letters: Iterable[Letter]) -> Mapping[int, int]:
    """The first offset at which a confirmation of a doubt can stand, by partition of the requests."""
    starts: dict[int, int] = {}
    for each in letters:
        doubted = each.is_doubt and each.topic == found.plan.requests
        if doubted and each.request and each.request.partition < found.requests:
            number, behind = each.request.partition, each.request.offset + 1
            starts[number] = min(behind, starts.get(number, behind))
    return starts


def _told(value: bytes | None) -> tuple[tuple[str, str] | None, str | None]:
    """A confirmation's event (source and id) and customer id; None for anything else."""
    try:
        event = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None, None
    match event:
        case {"type": told, "source": str(source), "id": str(name), "data": {"customerId": str(customer)}} if (
            told == CONFIRMED
        ):
            return (source, name), customer
        case _:
            return None, None
