"""Only what is finished without a hole before it is committable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.offsets import Offsets


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
    assert tracked.committable() == (offsets[prefix - 1] + 1 if prefix else None)
    assert len(tracked) == len(offsets) - prefix


def test_what_is_committed_is_not_offered_again():
    """A commit takes the offset off the table until more is finished."""
    tracked = Offsets()
    tracked.start(7)
    tracked.start(9)
    tracked.finish(7)
    tracked.committed(8)
    assert tracked.committable() is None
    tracked.finish(9)
    assert tracked.committable() == 10


def test_an_offset_that_comes_twice():
    """Offsets only ascend within one assignment."""
    tracked = Offsets()
    tracked.start(7)
    with pytest.raises(ValueError, match="offset 7 after 7"):
        tracked.start(7)
