"""What the demo says can be tried next."""

import pytest

from worker.sandbox.demo.advice import afterwards


@pytest.mark.parametrize(("registry", "more"), [(False, 0), (True, 0), (False, 10), (True, 10)])
def test_what_was_just_seen_is_not_recommended(registry, more):
    """All the rest is."""
    told = "\n".join(afterwards(registry=registry, more=more))
    assert ("demo --registry" in told, "demo --events" in told) == (not registry, not more)
    assert "demo --keep" in told
