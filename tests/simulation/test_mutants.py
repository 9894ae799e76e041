"""The simulation finds faults: each one that is put back is found by its story, which breaks nothing without."""

from pathlib import Path

import pytest

from .faults import MUTANTS
from .mutants import found_by, known
from .run import attempt

STORIES = known((Path(__file__).parent / "mutants.txt").read_text().splitlines())


@pytest.mark.parametrize("name", STORIES)
def test_a_fault_that_is_put_back_is_found(name: str):
    assert found_by(MUTANTS[name], STORIES[name])
    assert [str(each) for each in attempt(STORIES[name]).findings] == []
