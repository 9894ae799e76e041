"""Skips a test whose program is not installed; in CI the test fails instead."""

import os
import shutil
from typing import NoReturn

import pytest


def needed(program: str, package: str) -> str:
    """The path of the program; without it the test is skipped with a line that names the Debian package."""
    return shutil.which(program) or lacking(f"no {program}: apt-get install {package}")


def lacking(reason: str) -> NoReturn:
    """Skip the test; in CI fail it, so that none is left out unseen."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
