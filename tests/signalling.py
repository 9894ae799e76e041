"""Sends signals to asyncio's processes."""

import asyncio
import contextlib
import os
import signal


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send the signal, unless the process has ended.

    `process.send_signal` would poll first, and could take the exit status from the task that waits for it.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
