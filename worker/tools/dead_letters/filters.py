"""Which dead letters are meant: what a person types, and whether a letter fits that."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.model.records import Record
from worker.tools.dead_letters.letters import Letter
from worker.tools.reading.offset_set import FOR_EVER
from worker.tools.reading.place import Place

PLACE = re.compile(r"([0-9]{1,9})@([0-9]{1,18})")
AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a letter must fit: all conditions that are given, and one of the given places or event ids.

    Times are milliseconds since the epoch.
    """

    reasons: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    since: int | None = None
    until: int | None = None
    partition: int | None = None
    key: bytes | None = None
    events: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()

    def fits(self, letter: Letter, record: Record) -> bool:
        """Whether the letter fits; `record` is the record of the letter itself."""
        return (
            self._named(letter)
            and (not self.reasons or letter.called in self.reasons)
            and (not self.statuses or letter.status in self.statuses)
            and (self.since is None or letter.timestamp >= self.since)
            and (self.until is None or letter.timestamp < self.until)
            and (self.partition is None or letter.place.partition == self.partition)
            and (self.key is None or record.key == self.key)
        )

    def _named(self, letter: Letter) -> bool:
        anything = not self.events and not self.places
        return anything or letter.event_id in self.events or letter.place in self.places

    def spans(self, partitions: int) -> Mapping[int, tuple[int, int]]:
        """By partition, the offsets (first, end) outside of which no letter fits."""
        numbers = [self.partition] if self.partition is not None else range(partitions)
        if self.events or not self.places:
            return dict.fromkeys(numbers, (0, FOR_EVER))
        named = {number: [each.offset for each in self.places if each.partition == number] for number in numbers}
        return {number: (min(offsets), max(offsets) + 1) for number, offsets in named.items() if offsets}


def named(words: Iterable[str]) -> tuple[frozenset[Place], frozenset[str]]:
    """The places and event ids among these words: `2@17` is a place, everything else an event's id."""
    places, events = set(), set()
    for word in words:
        if place := PLACE.fullmatch(word):
            places.add(Place(int(place[1]), int(place[2])))
        else:
            events.add(word)
    return frozenset(places), frozenset(events)


def moment_of(text: str, now: float) -> int:
    """Milliseconds since the epoch, from an age before `now`, such as `2h`, or an ISO timestamp (UTC if it names none).

    ValueError says what may be written.
    """
    if age := AGE.fullmatch(text):
        return max(0, int((now - float(age[1]) * SECONDS[age[2]]) * 1000))
    try:
        given = datetime.fromisoformat(text)
        return max(0, int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise ValueError(f"{text}: no age such as 90s, 2h or 7d, and no time such as 2026-11-22T04:30Z") from None
