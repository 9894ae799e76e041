"""Nearly nothing but refusals is a flood; one created customer ends it, and none ever begins one."""

from hypothesis import given
from hypothesis import strategies as st

from worker.creation.flood import Flood, Refusal
from worker.model.errors import Flooded
from worker.model.outcomes import Failed, Reason, ReasonCode

REFUSAL = Refusal(Failed(Reason(ReasonCode.REJECTED, "400")))


def believed(flood, answers):
    """For each answer (r: refused, c: created), whether it is believed."""
    return [believes(flood, answer) for answer in answers]


def believes(flood, answer):
    if answer == "c":
        flood.created()
        return True
    try:
        return flood.judge(REFUSAL) is REFUSAL
    except Flooded:
        return False


def test_a_full_window_of_refusals():
    """The last of them is not believed, those before it are."""
    assert believed(Flood(0.9, 10), "r" * 10) == [True] * 9 + [False]


def test_a_share_below_the_ratio():
    """Two of ten created: something is wrong with eight customers, not with everything."""
    assert False not in believed(Flood(0.9, 10), "crrrrcrrrr" * 5)


def test_a_share_at_the_ratio():
    """One of ten created a while ago does not hide it."""
    assert believed(Flood(0.9, 10), "c" + "r" * 9)[-1] is False


def test_a_customer_that_is_created():
    """It ends the flood, and the count begins anew."""
    flood = Flood(0.9, 10)
    believed(flood, "r" * 12)
    assert believed(flood, "c" + "r" * 9) == [True] * 10
    assert believed(flood, "r") == [False]


def test_a_customer_that_fills_the_window():
    """With it nine of ten are refused: no flood begins with a customer that was created."""
    flood = Flood(0.9, 10)
    assert believed(flood, "r" * 9 + "c" + "r" * 9) == [True] * 19
    assert believed(flood, "r") == [False]


@given(st.lists(st.sampled_from("rc")), st.integers(1, 10), st.floats(0.1, 1))
def test_after_a_created_customer(answers, window, ratio):
    """Whatever came before, no flood is on: the refusal that begins one comes after a full window of its own."""
    flood = Flood(ratio, window)
    for answer in answers:
        believes(flood, answer)
        assert answer == "r" or not flood.is_on()
