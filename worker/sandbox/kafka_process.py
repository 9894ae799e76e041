"""A program on this machine, such as its Kafka, that cannot outlive the process that started it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from worker.model.errors import LocalKafkaError

GUARD = Path(__file__).with_name("kafka_guard.py")
# They would change what the JVM does, or make it talk on standard error.
UNWANTED = {"CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}


class GuardedProcess:
    """A running program under a guard (kafka_guard.py). It is bound to no event loop.

    One loop may start it and another stop it. It has a session of its own, so that Ctrl-C in a terminal does not reach
    it before its user is done with it. The directory `remove` is removed when the program was abandoned. `environment`
    (None: this process's own) and `folder` are what it runs in.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        output: Path,
        *,
        remove: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        lifeline, other_end = socket.socketpair()
        lifeline.settimeout(0)
        self._lifeline: socket.socket | None = lifeline
        try:
            with output.open("ab") as log:
                self._guard = subprocess.Popen(  # noqa: S603  the program is the JRE of an installed package
                    [sys.executable, "-I", "-S", str(GUARD), str(remove or ""), *map(str, command)],
                    stdin=other_end.fileno(),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={name: value for name, value in (environment or os.environ).items() if name not in UNWANTED},
                    cwd=folder,
                    start_new_session=True,
                )
        except OSError as error:
            self._cut()
            raise LocalKafkaError(f"{sys.executable} could not be started: {error.strerror}") from error
        finally:
            other_end.close()

    @property
    def pid(self) -> int:
        """The process group of the program and its guard."""
        return self._guard.pid

    def status(self) -> int | None:
        """The exit status, None while the program runs."""
        status = self._guard.poll()
        if status is not None:
            self._cut()
        return status

    def send(self, sent: signal.Signals) -> None:
        """Pass a signal on to the program; without effect when it has ended."""
        if self.status() is None and self._lifeline is not None:
            # It may end between that look and this.
            with suppress(ConnectionError):
                self._lifeline.send(bytes([sent]))

    async def freeze(self, *, within: float) -> None:
        """Stop the program (SIGSTOP); return once none of its threads runs, or the program has ended.

        Raises LocalKafkaError when it still runs after `within` seconds.
        """
        self._stops()
        self.send(signal.SIGSTOP)
        deadline = time.monotonic() + within
        while self.status() is None and not self._stops():
            if time.monotonic() > deadline:
                raise LocalKafkaError(f"the process still runs {within:g} s after it was told to stop (SIGSTOP)")
            await asyncio.sleep(0.001)

    def _stops(self) -> bool:
        """Whether the guard has said, since the last look, that the program has stopped."""
        try:
            return self._lifeline is not None and bool(self._lifeline.recv(64))
        except (BlockingIOError, ConnectionError):
            return False

    async def ended(self, *, within: float) -> int | None:
        """Wait at most `within` seconds; return the exit status, None when the program still runs."""
        deadline = time.monotonic() + within
        while (status := self.status()) is None and time.monotonic() < deadline:  # noqa: ASYNC110  bound to no loop
            await asyncio.sleep(0.02)
        return status

    async def kill(self) -> None:
        """Kill the program now; what it had not written to disk is lost."""
        self.send(signal.SIGKILL)
        if await self.ended(within=5) is None:
            self.end_now()

    def end_now(self) -> None:
        """Kill program and guard, and wait only for the guard."""
        if self._guard.poll() is None:
            os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
        self._cut()

    def _cut(self) -> None:
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None
