"""Waits double, are drawn, and end at a maximum."""

from hypothesis import given
from hypothesis import strategies as st

from worker.creation.backoff import Backoff

BACKOFF = Backoff(base=0.5, maximum=30)


def test_ceilings_double_up_to_the_maximum():
    """0.5, 1, 2, 4 ... 30 and never more, however often it failed."""
    assert [BACKOFF.ceiling(n) for n in (1, 2, 3, 4, 7, 10_000)] == [0.5, 1, 2, 4, 30, 30]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e9))
def test_every_wait_is_bounded(failures, draw, at_least):
    """No draw and no Retry-After gives a wait above the maximum, or below what was asked for within it."""
    delay = BACKOFF.delay(failures, draw, at_least)
    assert min(at_least or 0, 30) <= delay <= 30
