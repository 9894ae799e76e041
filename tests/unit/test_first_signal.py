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


WHILE_IT_LOADS = """
import os, signal, sys
class Interrupting:
    def find_spec(name, *_):
        if name == "{name}":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting)
sys.argv[1:] = ["schema", "customer"]
from worker.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["typer", "worker.settings.settings", "worker.events.schema"])
def test_ctrl_c_while_a_command_is_loaded(name: str) -> None:
    """It ends at once, as it does later, and prints no traceback."""
    done = subprocess.run(
        [sys.executable, "-c", WHILE_IT_LOADS.format(name=name)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (130, "", False)
