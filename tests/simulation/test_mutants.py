"""The simulation finds faults: each one that is put back is found by its story, which breaks nothing without."""

from pathlib import Path

import pytest

from .faults import MUTANTS
from .faults.below import BELOW, ELSEWHERE
from .mutants import found_by, kept, search
from .run import attempt
from .story import Story

TESTS = Path(__file__).parents[1]
KEPT = kept()
SEEDS = 40


@pytest.mark.parametrize("name", KEPT)
def test_a_fault_that_is_put_back_is_found(name: str):
    """And what `verify` tells of a story that got to its end is what the model knows, broken promises too."""
    story, found = _finding(name)
    assert [each for each in found if each.startswith("verify:")] == []
    assert [str(each) for each in attempt(story).findings] == []


def _finding(name: str) -> tuple[Story, list[str]]:
    """The kept story; by a Python whose event loop takes other turns, the same under the first seed that finds it."""
    kept = KEPT[name].story
    if found := found_by(MUTANTS[name], kept):
        return kept, found
    near = search(name, SEEDS, near=kept).story
    assert near, f"{name} is not found under any of {SEEDS} seeds from {kept.seed} on"
    return near, found_by(MUTANTS[name], near)


def test_each_fault_has_what_finds_it():
    """A story, or a test elsewhere (`tests/simulation/mutants --elsewhere` runs those); nothing has both."""
    assert sorted([*KEPT, *ELSEWHERE]) == sorted(MUTANTS)


@pytest.mark.parametrize(("file", "test"), [*BELOW.values(), *ELSEWHERE.values()])
def test_each_test_elsewhere_is_there(file: str, test: str):
    assert f"def {test}(" in (TESTS / file).read_text()
