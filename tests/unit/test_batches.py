"""A batch that is read beside the client: all of it is judged first, and its records are made as they are asked for."""

import tracemalloc
from itertools import islice

import pytest
from scripted_log import ODD, batch, with_places

from worker.kafka import batches
from worker.kafka.batches import UnreadableBatch, first_batch
from worker.kafka.narrowing import Unread

BASE = 7


def read(raw, offset=BASE):
    return first_batch(raw).records_from(offset, "requests", 0)


@pytest.mark.parametrize(
    ("places", "why"), [([0, 1, 9], "order of their offsets"), ([0, 0, 2], "order"), ([2, 1, 0], "order")]
)
def test_a_fault_behind_records_that_are_right(places, why):
    """It is told before any of them is handed out, whatever offset is read from."""
    raw = with_places(batch(BASE, 3), places)
    for offset in (BASE, BASE + 2):
        with pytest.raises(UnreadableBatch, match=why):
            read(raw, offset)


def test_from_an_offset_inside():
    """What stands before it is passed by."""
    raw = batch(BASE, 5)
    for offset in range(BASE + 6):
        found = list(read(raw, offset))
        assert [each.offset for each in found] == list(range(max(offset, BASE), BASE + 5))
        assert [each.value for each in found] == [b"%d" % each.offset for each in found]


def test_records_that_nobody_has_taken():
    """They take no memory beside the batch's own bytes, however many they are."""
    raw = batch(0, 20_000)
    found = first_batch(raw)
    tracemalloc.start()
    try:
        records = found.records("requests", 0)
        assert len(list(islice(records, 100))) == 100
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    assert sum(1 for _ in records) == 19_900


def test_pauses_between_many_records(monkeypatch):
    """Others may do something each few thousand records."""
    monkeypatch.setattr(batches, "A_STEP", 2)
    assert sum(1 for _ in first_batch(batch(BASE, 5)).looked_through(BASE, "requests", 0)) == 2


def test_taken_in_pieces():
    """No more are made than are taken, but the one that tells whether there are more; one that is odd is remembered."""
    made = []

    def counting():
        for each in read(batch(BASE, 5, headers=ODD, odd_at=1)):
            made.append(each)
            yield each

    unread = Unread(counting())
    assert (bool(unread), len(made)) == (True, 1)
    assert [each.offset for each in unread.take(1)] == [BASE]
    assert (unread.odd, len(made)) == (False, 2)
    assert [each.offset for each in unread.take(2)] == [BASE + 1, BASE + 2]
    assert (unread.odd, len(made)) == (True, 4)
    assert [each.offset for each in unread.take(9)] == [BASE + 3, BASE + 4]
    assert (bool(unread), unread.take(1)) == (False, [])
