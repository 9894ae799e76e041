"""Runs one program, and ends it when the process that asked for it ends, however that happened.

Run as a file, `python kafka_guard.py DIRECTORY PROGRAM ARGUMENT...`, with the standard library alone. Standard input is
a socket to the process that asked. Each byte from there is the number of a signal to pass on to the program. The byte
comes back once a SIGSTOP has stopped the program. The socket's end, which the kernel makes when the other process dies,
means that nobody needs the program any more: it is killed, and DIRECTORY is removed (nothing is if that is empty).
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

PR_SET_PDEATHSIG = 1
STOPPED_WITHIN = 10.0
"""Seconds for the kernel to stop each thread of the program."""


def _die_with_guard() -> None:
    """Let the kernel kill the program should the guard itself be killed; only Linux can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _pass_signals(program: subprocess.Popen[bytes], abandoned: threading.Event) -> None:
    # A socket whose other end is gone may say so by an error.
    with suppress(ConnectionError):
        while order := os.read(0, 1):
            program.send_signal(order[0])
            if order[0] == signal.SIGSTOP and _stopped(program.pid):
                os.write(0, order)
    abandoned.set()
    program.kill()


def _stopped(pid: int) -> bool:
    """Wait until none of the program's threads runs; False when it has ended, or is not stopped in time.

    A signal only asks for that: on a busy machine a program with many threads goes on for a while.
    """
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        time.sleep(0.1)
        return True
    until = time.monotonic() + STOPPED_WITHIN
    with suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT):
                return True
            time.sleep(0.001)
    return False


def main(directory: str, *command: str) -> int:
    """Run the program and return its exit status, or 128 + the signal's number when a signal ended it."""
    # preexec_fn is safe here: no other thread exists yet, and this one lives as long as the guard.
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)  # noqa: PLW1509, S603  see above
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end, lambda *_: program.kill())
    abandoned = threading.Event()
    threading.Thread(target=_pass_signals, args=(program, abandoned), daemon=True).start()
    status = program.wait()
    if abandoned.is_set() and directory:
        shutil.rmtree(directory, ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    # Not sys.exit: the thread may sit in its read.
    os._exit(main(*sys.argv[1:]))
