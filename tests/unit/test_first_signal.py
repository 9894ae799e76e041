"""A process that is told to end before it has begun anything."""

import signal
import subprocess
import sys

import pytest

BEFORE_IT_BEGINS = """
import os, signal
itself = os.getpid()
os.getpid = lambda: {number}
import worker
os.kill(itself, signal.SIGTERM)
print("goes on")
"""


@pytest.mark.parametrize(("number", "code"), [(1, 128 + signal.SIGTERM), (2, -signal.SIGTERM)])
def test_sigterm_while_it_is_imported(number: int, code: int) -> None:
    """As process 1 of a container, too, to which the kernel gives no signal that has no handler."""
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_IT_BEGINS.format(number=number)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "")
