"""The simulation finds faults: each one that is put back is found by its story, which breaks nothing without."""

from pathlib import Path

import pytest

from .faults import MUTANTS
from .faults.below import BELOW, ELSEWHERE
from .mutants import found_by, kept
from .run import attempt

TESTS = Path(__file__).parents[1]
KEPT = kept()


@pytest.mark.parametrize("name", KEPT)
def test_a_fault_that_is_put_back_is_found(name: str):
    """And what `verify` tells of a story that got to its end is what the model knows, broken promises too."""
    found = found_by(MUTANTS[name], KEPT[name].story)
    assert found
    assert [each for each in found if each.startswith("verify:")] == []
    assert [str(each) for each in attempt(KEPT[name].story).findings] == []


def test_each_fault_has_what_finds_it():
    """A story, or a test elsewhere (`tests/simulation/mutants --elsewhere` runs those); nothing has both."""
    assert sorted([*KEPT, *ELSEWHERE]) == sorted(MUTANTS)


@pytest.mark.parametrize(("file", "test"), [*BELOW.values(), *ELSEWHERE.values()])
def test_each_test_elsewhere_is_there(file: str, test: str):
    assert f"def {test}(" in (TESTS / file).read_text()
