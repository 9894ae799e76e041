"""A program that a test has started ends with the test's process, also where that is killed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mortal import mortal
from patience import PATIENCE

TESTS = Path(__file__).parents[1]
PARENT = """
import subprocess, sys
from mortal import mortal
child = subprocess.Popen(mortal(sys.executable, "-c", "import time; print('there', flush=True); time.sleep(600)"))
print(child.pid, flush=True)
child.wait()
"""


def test_whoever_started_it_is_killed():
    """Nobody is left to end it."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, cwd=TESTS) as parent:
        assert parent.stdout
        told = {parent.stdout.readline().strip() for _ in range(2)}
        (child,) = told - {b"there"}
        assert status(child) in "RS"
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while status(child) not in "ZX":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def status(process: bytes) -> str:
    """A letter, as the system has it; X where it is gone, and Z while nobody has asked for its end."""
    try:
        return Path("/proc", process.decode(), "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "X"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_signals_and_exit_codes(number):
    """They are the program's own."""
    assert subprocess.run(mortal(sys.executable, "-c", "raise SystemExit(7)"), check=False).returncode == 7
    killing = f"import os; os.kill(os.getpid(), {number})"
    assert subprocess.run(mortal(sys.executable, "-c", killing), check=False).returncode == -number
