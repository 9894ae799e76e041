"""What is told of an event whose records came to several partitions."""

from itertools import permutations
from uuid import UUID

import pytest

from worker.console.events import concluded
from worker.journal.entries import Entry, EntryKey, Finished, Intent, encode, encode_headers
from worker.model.evidence import Evidence
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Record
from worker.tools.journal.view import Partition
from worker.tools.life.life import Life
from worker.tools.reading.place import Place

EVENT = UUID(int=1)
CREATED = Finished(Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 1))
CONFIRMED = Finished(Succeeded("2801", "/system/ws/v12/interaction/customer/2801", "individual", 0, "confirmed"))
INVALID = Finished(Failed(Reason(ReasonCode.INVALID_CUSTOMER, "1 rule is broken"), 0))
LOST = Intent(1)
MADE = Intent(1, evidence=Evidence(exists=True))


def life(*entries: Entry) -> Life:
    """Of an event with one record in each partition."""
    found = Life()
    for number, entry in enumerate(entries):
        partition = Partition("requests", number, EVENT)
        key = EntryKey(EVENT, 5, "a").encode()
        partition.add(Record("journal", number, 0, 1000, key, encode(entry), encode_headers(entry)))
        found.take(partition, EVENT)
    return found


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ((INVALID,), "No customer was created for it."),
        ((CREATED, INVALID), "Its customer was created."),
        ((CREATED, INVALID, LOST), "Its customer was created."),
        ((CONFIRMED, INVALID), "A person confirmed which customer it has."),
        ((LOST, INVALID), "Nobody knows whether its customer exists."),
        ((MADE, INVALID), "The API said that it made its customer, and nobody knows under which id."),
        ((MADE, CREATED), "Its customer was created."),
        ((), "What became of it is not told."),
    ],
)
def test_the_customer(entries: tuple[Entry, ...], told: str) -> None:
    """That there is one, or may be, is told whichever partition is read last."""
    assert {concluded(life(*each))[0] for each in permutations(entries)} == {told}


def test_the_records() -> None:
    """All of them are there, each with its entries."""
    found = life(CREATED, INVALID)
    assert list(found.records) == [Place(0, 5), Place(1, 5)]
    assert [(place, line.entry) for place, line in found.entries] == [(Place(0, 5), CREATED), (Place(1, 5), INVALID)]
