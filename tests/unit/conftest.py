"""What unit tests share."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings
from waiting import Waits, watched

# WORKER_TEST_EXAMPLES asks for more of each property's examples.
settings.register_profile("unit", max_examples=int(os.environ.get("WORKER_TEST_EXAMPLES", "100")), deadline=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A command that runs in the test's process sets its own log up, which nobody's later test may hear less by."""
    root, before = logging.root, structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    """Whatever a test is about: nothing is waited for while something is held that its end may need."""
    seen = watched(monkeypatch)
    yield seen
    assert not seen.circular()
