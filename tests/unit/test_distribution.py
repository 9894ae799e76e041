"""How the tests are shared among processes."""

import pytest


@pytest.mark.xdist_group("of one process")
def test_groups_are_seen(request: pytest.FixtureRequest) -> None:
    """What tests share is made once only where the processes are told of groups: xdist writes them behind the id."""
    shared = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith("@of one process") == shared


def test_what_is_made_for_a_module_makes_a_group(request: pytest.FixtureRequest, once_a_module: str) -> None:
    """Nobody has to mark it."""
    shared = getattr(request.config.option, "loadgroup", False)
    assert request.node.nodeid.endswith(f"@{once_a_module}") == shared


@pytest.fixture(scope="module")
def once_a_module() -> str:
    """The group of this file."""
    return "tests/unit/test_distribution.py"
