"""Only what is finished without a hole before it is committable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model.progress import Progress
from worker.partition.offsets import Offsets


def committable(tracked):
    """The offset that a commit would store now; None where it is stored."""
    progress = tracked.to_store()
    return progress and progress.offset


def resumes(tracked: Offsets) -> Progress:
    """Where it is read on from, which is known."""
    progress = tracked.resume_at()
    assert progress is not None
    return progress


@given(
    offsets=st.sets(st.integers(0, 60), min_size=1, max_size=20).map(sorted),
    order=st.randoms(use_true_random=False),
    cut=st.integers(0, 20),
)
def test_any_order_of_finishing(offsets, order, cut):
    """The committable offset is the one after the longest finished prefix, as a naive reading gives it."""
    tracked = Offsets()
    for offset in offsets:
        tracked.start(offset)
    finished = set(order.sample(offsets, min(cut, len(offsets))))
    for offset in order.sample(sorted(finished), len(finished)):
        tracked.finish(offset)
    prefix = next((i for i, offset in enumerate(offsets) if offset not in finished), len(offsets))
    assert committable(tracked) == (offsets[prefix - 1] + 1 if prefix else None)
    assert len(tracked) == len(offsets) - prefix


def test_what_is_committed_is_not_offered_again():
    """A commit takes the offset off the table until more is finished."""
    tracked = Offsets()
    tracked.start(7)
    tracked.start(9)
    tracked.finish(7)
    tracked.stored(Progress(8))
    assert committable(tracked) is None
    tracked.finish(9)
    assert committable(tracked) == 10


def test_an_offset_that_comes_twice():
    """Offsets only ascend within one assignment."""
    tracked = Offsets()
    tracked.start(7)
    with pytest.raises(ValueError, match="offset 7 after 7"):
        tracked.start(7)


def test_what_is_no_record():
    """Markers behind the last record are passed as soon as nothing before them is open."""
    tracked = Offsets()
    tracked.begins(Progress(5))
    tracked.passed(5)
    assert (committable(tracked), resumes(tracked).offset) == (None, 5)
    tracked.passed(7)
    assert committable(tracked) == 7
    tracked.stored(Progress(7))
    tracked.start(7)
    tracked.start(9)
    tracked.passed(11)
    assert committable(tracked) is None
    tracked.finish(9)
    assert tracked.to_store() == Progress(7, ((9, 10),))
    tracked.finish(7)
    assert (committable(tracked), resumes(tracked).offset) == (11, 11)


def test_offsets_of_a_log_that_may_be_another():
    """None of them is committable for now."""
    tracked = Offsets()
    tracked.begins(Progress(5))
    tracked.start(5)
    tracked.finish(5)
    tracked.suspended = True
    assert committable(tracked) is None
    tracked.suspended = False
    assert committable(tracked) == 6


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=20), st.randoms(use_true_random=False))
def test_passing_never_loses_a_record(steps, random):
    """Whatever is read and finished in whatever order, no record that is open lies below what is committable."""
    tracked, end, open_records = Offsets(), 0, set()
    tracked.begins(Progress(0))
    for is_record, hole in steps:
        end += hole
        if is_record:
            tracked.start(end)
            open_records.add(end)
            end += 1
        tracked.passed(end)
        for offset in random.sample(sorted(open_records), random.randint(0, len(open_records))):
            tracked.finish(offset)
            open_records.remove(offset)
        offset = committable(tracked)
        assert offset is None or offset <= min(open_records, default=end)
    for offset in sorted(open_records):
        tracked.finish(offset)
    assert committable(tracked) in {None, end}
    assert resumes(tracked).offset == end


@given(
    offsets=st.sets(st.integers(0, 60), min_size=1, max_size=20).map(sorted),
    order=st.randoms(use_true_random=False),
    cuts=st.tuples(st.integers(0, 20), st.integers(0, 20)),
)
def test_what_has_ended_is_known_to_the_next_owner(offsets, order, cuts):
    """Of all that is finished when it is stored, and of nothing else, through two owners one after the other."""
    tracked, finished = Offsets(), set()
    tracked.begins(Progress(offsets[0]))
    for cut in cuts:
        for offset in [each for each in offsets if each >= resumes(tracked).offset]:
            tracked.start(offset)
        mine = set(order.sample(offsets, min(cut, len(offsets)))) & set(tracked._started)
        for offset in order.sample(sorted(mine), len(mine)):
            tracked.finish(offset)
        finished |= mine
        stored = resumes(tracked)
        assert {each for each in offsets if each < stored.offset} <= finished
        tracked = Offsets()
        tracked.begins(stored)
        behind = {each for each in offsets if each >= stored.offset}
        assert {each for each in behind if tracked.is_published(each)} == finished & behind


def test_what_is_stored_once():
    """The same is not stored again, and what ends while it is on its way is."""
    tracked = Offsets()
    tracked.begins(Progress(0))
    for offset in range(5):
        tracked.start(offset)
    assert tracked.to_store() is None
    tracked.finish(2)
    first = tracked.to_store()
    assert first == Progress(0, ((2, 3),))
    tracked.finish(3)
    tracked.stored(first)
    assert tracked.to_store() == Progress(0, ((2, 4),))
    tracked.stored(Progress(0, ((2, 4),)))
    assert tracked.to_store() is None
