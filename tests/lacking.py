"""What a check needs and a machine may not have."""

import os
import shutil
from typing import NoReturn

import pytest


def needed(program: str, package: str) -> str:
    """Where the program is; elsewhere the check is skipped in one line that names it, but in CI it must be there."""
    return shutil.which(program) or lacking(f"no {program}: apt-get install {package}")


def lacking(reason: str) -> NoReturn:
    """Skip; in CI, fail, so that no check is left out unseen."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
