"""Which event stands at which offset: small, exact, and as cheap to forget as to learn."""

import tracemalloc
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from worker.journal.by_offset import ByOffset
from worker.journal.entries import EntryKey, Intent
from worker.journal.journal import PartitionJournal

STEPS = st.lists(st.tuples(st.sampled_from(["add", "drop"]), st.integers(0, 30)), max_size=60)


@given(STEPS)
def test_numbers_by_offset(steps):
    """As a dict that keeps what it had first, whatever the pages are."""
    paged = ByOffset(page=4)
    plain: dict[int, int] = {}
    for number, (step, offset) in enumerate(steps, 1 << 64):
        if step == "add":
            paged.add(offset, number)
            plain.setdefault(offset, number)
        else:
            paged.drop(offset)
            plain = {each: number for each, number in plain.items() if each >= offset}
        assert len(paged) == len(plain)
        assert [paged.get(each) for each in range(32)] == [plain.get(each) for each in range(32)]


def test_bytes_an_offset():
    """Two of a UUID's halves and the offset: no object for any of them, wherever the gaps are."""
    numbers = [uuid4().int for _ in range(50_000)]
    tracemalloc.start()
    try:
        paged = ByOffset()
        for offset, number in enumerate(numbers):
            paged.add(offset * 100, number)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / len(numbers) < 30


def test_what_is_committed():
    """It takes no room here: it does not come again."""
    read = PartitionJournal()
    for offset in range(100):
        read.apply(EntryKey(UUID(int=offset + 1), offset, "a"), Intent(1), 0)
    read.forget(below=90, before=0, at_most=1_000)
    assert (len(read), len(read._places)) == (100, 10)
