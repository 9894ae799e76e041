"""The simulation finds faults: each one that is put back is found by its story, which breaks nothing without."""

from pathlib import Path

import pytest

from .faults import MUTANTS
from .faults.below import BELOW, RARE
from .mutants import KEPT, found_by, known
from .run import attempt

TESTS = Path(__file__).parents[1]
STORIES = known(KEPT.read_text().splitlines())


@pytest.mark.parametrize("name", STORIES)
def test_a_fault_that_is_put_back_is_found(name: str):
    assert found_by(MUTANTS[name], STORIES[name])
    assert [str(each) for each in attempt(STORIES[name]).findings] == []


def test_each_fault_that_is_told_of_is_there():
    """Those that no story is kept of yet are looked for by `tests/simulation/mutants --search`."""
    assert {*STORIES, *RARE} <= MUTANTS.keys()
    for file, test in [*BELOW.values(), *RARE.values()]:
        assert f"def {test}(" in (TESTS / file).read_text()
