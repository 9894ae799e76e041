"""aiohttp with its parts in C, and without."""

import os
import subprocess
import sys

from worker.customer_api import uncompiled

ASK = "from worker.customer_api import uncompiled; print(uncompiled())"


def test_as_it_is_installed():
    """The wheels have them."""
    assert uncompiled() is None


def test_without_its_parts_in_c():
    """What is slow is named."""
    told = subprocess.run(
        [sys.executable, "-c", ASK],
        check=True,
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
    )
    assert told.stdout.startswith("aiohttp's parser and writer")
