"""What a replayed record says of where it comes from."""

from worker.events.letter_headers import REPLAY_OF, last
from worker.model.records import Record
from worker.tools.dead_letters.filters import PLACE
from worker.tools.reading.place import Place


def mark_of(record: Record) -> Place | None:
    """The record of the same topic that this one is a replay of; it is in the same partition, further on."""
    return place_in(record, REPLAY_OF)


def place_in(record: Record, header: str) -> Place | None:
    """The place that the last header of that name gives; None where there is none, or it gives no place."""
    found = PLACE.fullmatch((last(record.headers, header) or b"").decode("latin-1"))
    return Place(int(found[1]), int(found[2])) if found else None
