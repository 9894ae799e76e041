"""Who is asked what a record is at knows it, while it is under way and after an error of ours."""

import pytest

from worker.model.errors import Draining, Fenced
from worker.model.records import Record
from worker.steps import MAX_CRASHED, Step, Trails


def record(offset=7, partition=0):
    return Record("requests", partition, offset, 0, None, b"{}")


def step(trails, partition, offset):
    trail = trails.of(partition, offset)
    return trail.step if trail else None


def test_a_record_under_way():
    """Its last step is told, of that partition and offset alone; and nothing once it ended."""
    trails = Trails()
    with trails.follow(record()) as trail:
        assert step(trails, 0, 7) is Step.DECODE
        trail.enter(Step.POST)
        assert (step(trails, 0, 7), step(trails, 0, 8), step(trails, 1, 7)) == (Step.POST, None, None)
    assert step(trails, 0, 7) is None


@pytest.mark.parametrize(("error", "left"), [(Draining, None), (Fenced, None), (RuntimeError, Step.CRASHED)])
def test_a_record_that_is_left(error, left):
    """Given up with its partition it is nobody's; after a crash it says so, until it is taken up again."""
    trails = Trails()
    with pytest.raises(error), trails.follow(record()):
        raise error
    assert step(trails, 0, 7) is left
    with trails.follow(record()):
        assert step(trails, 0, 7) is Step.DECODE
    assert step(trails, 0, 7) is None


def test_a_record_that_is_read_again():
    """The end of the former one does not end the present one."""
    trails = Trails()
    former = trails.follow(record()).__enter__()
    with trails.follow(record()) as present:
        present.enter(Step.POST)
        former.__exit__(None, None, None)
        assert step(trails, 0, 7) is Step.POST


def test_more_crashes_than_are_remembered():
    """Nothing grows without a bound."""
    trails = Trails()
    for offset in range(MAX_CRASHED + 1):
        with pytest.raises(RuntimeError), trails.follow(record(offset)):
            raise RuntimeError
    assert [step(trails, 0, offset) for offset in (0, MAX_CRASHED)] == [None, Step.CRASHED]
