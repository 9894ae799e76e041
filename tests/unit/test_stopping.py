"""The deadline of a stop, by a clock that the test sets."""

import pytest
from fakes import Clock

from worker import clocks
from worker.stopping import AFTER_DRAIN, AT_ONCE, LEAST, Stopping


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(100.0)
    monkeypatch.setattr(clocks, "monotonic", clock)
    return clock


def test_before_a_stop(clock):
    """Each step has all of its time."""
    stopping = Stopping(40)
    clock.now += 1_000
    assert stopping.left(10) == 10


def test_steps_that_all_take_as_long_as_they_may(clock):
    """Together they end by the deadline, however many there are."""
    stopping = Stopping(40)
    stopping.set()
    steps = 20
    for _ in range(steps):
        clock.now += stopping.left(10)
    assert clock.now <= 100 + 40 + AFTER_DRAIN + steps * LEAST


def test_a_step_after_the_deadline(clock):
    """It may still do what waits for nobody."""
    stopping = Stopping(40)
    stopping.set()
    clock.now += 1_000
    assert stopping.left(10) == LEAST


def test_a_second_signal(clock):
    """It leaves at once, and never later than the one before would."""
    stopping = Stopping(40)
    stopping.set()
    clock.now += 1
    stopping.hurry()
    assert stopping.left(10) == AT_ONCE
    clock.now += 1
    stopping.hurry()
    stopping.set()
    assert stopping.left(10) == AT_ONCE - 1
