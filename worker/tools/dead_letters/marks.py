"""The marks of a replayed record, which say where it comes from."""

from worker.events.letter_headers import REPLAY_OF, last
from worker.model.records import Record
from worker.tools.dead_letters.filters import PLACE
from worker.tools.reading.place import Place


def mark_of(record: Record) -> Place | None:
    """The place of the record that this one replays: earlier in the same partition; None for another record."""
    return place_in(record, REPLAY_OF)


def place_in(record: Record, header: str) -> Place | None:
    """The place that the last header of that name holds; None where it holds none."""
    found = PLACE.fullmatch((last(record.headers, header) or b"").decode("latin-1"))
    return Place(int(found[1]), int(found[2])) if found else None
