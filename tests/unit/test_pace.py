"""A smooth limit: no bursts, no savings."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.creation.pace import Pace


@given(st.lists(st.floats(0, 2), min_size=2, max_size=30), st.floats(0.5, 50))
def test_any_arrivals(gaps, rate):
    """Moments are at least 1/rate apart, and nobody waits longer than all before it need."""
    now = 0.0
    pace = Pace(rate, clock=lambda: now)
    moments = []
    for gap in gaps:
        now += gap
        moments.append(now + pace.reserve())
    assert all(later - earlier >= 1 / rate - 1e-9 for earlier, later in pairwise(moments))
    assert all(moment <= now + len(gaps) / rate for moment in moments)


def test_no_limit():
    """Nobody waits."""
    assert [Pace(None).reserve() for _ in range(3)] == [0, 0, 0]
