"""The simulation finds faults: each one that is put back is found by its story, which breaks nothing without."""

from pathlib import Path

import pytest

from .mutants import MUTANTS, known
from .run import attempt

STORIES = known((Path(__file__).parent / "mutants.txt").read_text().splitlines())


@pytest.mark.parametrize("name", STORIES)
def test_a_fault_that_is_put_back_is_found(name: str):
    assert MUTANTS[name].found_by(STORIES[name])
    assert [str(each) for each in attempt(STORIES[name]).findings] == []
