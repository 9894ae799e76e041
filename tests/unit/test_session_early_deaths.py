"""Sessions that keep dying young."""

import pytest
from fakes import Clock

from worker.customer_api.early_deaths import YOUNG, EarlyDeaths


@pytest.fixture
def clock():
    return Clock(1000.0)


@pytest.fixture
def deaths(clock):
    return EarlyDeaths(clock)


def a_life(deaths, clock, seconds, *, worked=True):
    """A session from its birth to its end; whether the end is contention."""
    deaths.born()
    if worked:
        deaths.worked()
    clock.now += seconds
    return deaths.died()


def test_the_third_early_death_in_a_row(deaths, clock):
    """Is contention, and so is every one after it; the first two are not."""
    assert [a_life(deaths, clock, YOUNG - 0.1) for _ in range(5)] == [False, False, True, True, True]


def test_a_session_that_lived_a_minute(deaths, clock):
    """Ends the row: the count begins anew."""
    lives = [1, 1, YOUNG, 1, 1, 1]
    assert [a_life(deaths, clock, seconds) for seconds in lives] == [False, False, False, False, False, True]


def test_a_session_that_never_worked(deaths, clock):
    """Tells nothing of rivals: however many there are, they neither add to the row nor end it."""
    assert not any(a_life(deaths, clock, 1, worked=False) for _ in range(10))
    assert not any(a_life(deaths, clock, 1) for _ in range(2))
    assert not a_life(deaths, clock, 10 * YOUNG, worked=False)
    assert a_life(deaths, clock, 1)


def test_what_an_earlier_session_did(deaths, clock):
    """Is not the next one's merit."""
    assert not any(a_life(deaths, clock, 1) for _ in range(2))
    assert not a_life(deaths, clock, 1, worked=False)
    assert deaths.in_a_row == 2
