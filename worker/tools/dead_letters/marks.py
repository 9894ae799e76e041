"""Which dead letters are selected, which records were replayed: a bit for each offset, however many there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.events.letter_headers import REPLAY_OF, last
from worker.model.records import Record
from worker.tools.dead_letters.filters import PLACE
from worker.tools.dead_letters.letters import Place


@dataclass(slots=True)
class Bits:
    """A set of places within `spans`, the (first, end) offsets by partition."""

    spans: Mapping[int, tuple[int, int]]
    count: int = 0
    _bits: dict[int, bytearray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bits = {number: bytearray((end - first + 7) // 8) for number, (first, end) in self.spans.items()}

    def __contains__(self, place: Place | None) -> bool:
        byte, bit = self._where(place) if place else (None, 0)
        return place is not None and byte is not None and bool(self._bits[place.partition][byte] & bit)

    def add(self, place: Place) -> None:
        """A place outside of the spans is nobody's."""
        byte, bit = self._where(place)
        if byte is not None and place not in self:
            self._bits[place.partition][byte] |= bit
            self.count += 1

    def lowest(self) -> dict[int, int]:
        """An offset from which on, less than eight further, the first is, of each partition that has any."""
        found = {}
        for number, bits in self._bits.items():
            if (rest := len(bits.lstrip(b"\0"))) > 0:
                found[number] = self.spans[number][0] + 8 * (len(bits) - rest)
        return found

    def _where(self, place: Place) -> tuple[int | None, int]:
        first, end = self.spans.get(place.partition, (0, 0))
        if not first <= place.offset < end:
            return None, 0
        byte, bit = divmod(place.offset - first, 8)
        return byte, 1 << bit


def mark_of(record: Record) -> Place | None:
    """The record of the same topic that this one is a replay of; it is in the same partition, further on."""
    found = PLACE.fullmatch((last(record.headers, REPLAY_OF) or b"").decode("latin-1"))
    return Place(int(found[1]), int(found[2])) if found else None
