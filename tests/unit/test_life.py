"""What is told of an event whose records came to several partitions."""

from itertools import permutations
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import htpy as h
import pytest

from worker import wiring
from worker.console.events import _found, concluded
from worker.console.web.asked import Asked
from worker.console.web.rights import STRANGER
from worker.console.work.inquiries import Inquiry
from worker.journal.entries import Entry, EntryKey, Finished, Intent, encode, encode_headers
from worker.model.evidence import Evidence
from worker.model.outcomes import Failed, Reason, ReasonCode, Succeeded
from worker.model.records import Record
from worker.settings.settings import Settings
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


def repeated(count: int) -> Life:
    """Of an event that each of so many records repeats."""
    found, partition = Life(), Partition("requests", 0, EVENT)
    for offset in range(count):
        key = EntryKey(EVENT, offset, "a").encode()
        partition.add(Record("journal", 0, offset, 1000, key, encode(CREATED), encode_headers(CREATED)))
    found.take(partition, EVENT)
    return found


@pytest.mark.parametrize("count", [1, 2, 200])
def test_all_records_are_listed(count: int) -> None:
    """Each once, in their order."""
    assert repeated(count).listed == [Place(0, offset) for offset in range(count)]


def test_very_many_records() -> None:
    """Their page takes bounded room: it tells the first and the last ones, and how many are between these."""
    found = repeated(3_000)
    assert [each.offset for each in found.listed] == [*range(100), *range(2_900, 3_000)]
    plan = wiring.plan(Settings())
    asked = Asked("/events", STRANGER, cast("Any", SimpleNamespace(plan=plan)))
    shown = str(h.fragment[_found(asked, Inquiry(answer=found))])
    assert shown.count("<tr>") == 402
    assert "and 2\u202f800 more records between these" in shown
    found.entries *= 30
    shown = str(h.fragment[_found(asked, Inquiry(answer=found))])
    assert shown.count("<tr>") == 1_202
    assert "and 5\u202f000 more happenings" in shown
