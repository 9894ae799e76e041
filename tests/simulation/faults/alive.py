"""A plugin of pytest's: the fault that the environment names is there while tests run."""

import os

from simulation.faults import MUTANTS
from simulation.faults.mutant import NAMED

_alive = MUTANTS[os.environ[NAMED]].alive()


def pytest_sessionstart() -> None:
    """Before anything is collected."""
    _alive.__enter__()


def pytest_sessionfinish() -> None:
    """It is gone with the last test."""
    _alive.__exit__(None, None, None)
