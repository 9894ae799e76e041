"""Programs that end when whoever started them does, however that happened: `mortal.py PROGRAM ARGUMENT...`.

What it starts it becomes, so that signals, exit codes and the process's number are the program's own.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def mortal(*command: str) -> tuple[str, ...]:
    """The command that starts this one so."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *command)


if __name__ == "__main__":
    started_by, *program = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(started_by):  # else it is over already
        os.execvp(program[0], program)  # noqa: S606  what a test starts
