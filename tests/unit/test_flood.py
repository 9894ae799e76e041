"""Nearly nothing but refusals is a flood; one created customer ends it."""

from worker.flood import Flood


def seen(flood, answers):
    """For each answer (r: refused, c: created), whether the flood is on."""
    return [flood.seen(refused=answer == "r") for answer in answers]


def test_a_full_window_of_refusals():
    """It is on with the last of them, not before."""
    assert seen(Flood(0.9, 10), "r" * 10) == [False] * 9 + [True]


def test_a_share_below_the_ratio():
    """Two of ten created: something is wrong with eight customers, not with everything."""
    assert True not in seen(Flood(0.9, 10), "crrrrcrrrr" * 5)


def test_a_share_at_the_ratio():
    """One of ten created a while ago does not hide it."""
    assert seen(Flood(0.9, 10), "c" + "r" * 9)[-1] is True


def test_a_customer_that_is_created():
    """It ends the flood, and the count begins anew."""
    flood = Flood(0.9, 10)
    seen(flood, "r" * 12)
    assert seen(flood, "c" + "r" * 9) == [False] * 10
    assert seen(flood, "r") == [True]
