"""Runs a program that is killed when its starter ends, however that happens: `mortal.py PROGRAM ARGUMENT...`.

It replaces itself by the program, so that signals, exit code and process id are the program's own.
"""

import ctypes
import os
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1


def mortal(*command: str) -> tuple[str, ...]:
    """The command line that runs the program in this way."""
    return (sys.executable, "-I", "-S", __file__, str(os.getpid()), *command)


if __name__ == "__main__":
    started_by, *program = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(started_by):  # else the starter has ended already
        os.execvp(program[0], program)  # noqa: S606  what a test starts
