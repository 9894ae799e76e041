"""Signals to processes that asyncio waits for."""

import asyncio
import contextlib
import os
import signal


def send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Nothing happens when it has ended.

    `process.send_signal` polls first, and a poll that finds it just ended takes the exit status from whoever waits.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
