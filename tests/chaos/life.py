"""One worker process in a storm, and the ends that it may come to."""

import asyncio
import signal
from dataclasses import dataclass, field
from pathlib import Path

from signalling import send


@dataclass(slots=True)
class Life:
    """One worker process, from start to end."""

    process: asyncio.subprocess.Process
    log: Path
    expected: set[int] = field(default_factory=set)

    def struck(self, number: signal.Signals, *expected: int) -> None:
        """Send it; the exit codes that may follow."""
        self.expected |= set(expected)
        send(self.process, number)

    def thaw(self) -> None:
        """Also where it was never frozen."""
        send(self.process, signal.SIGCONT)

    @property
    def may_be_struck(self) -> bool:
        """It runs, and nobody has killed it yet."""
        return self.process.returncode is None and -signal.SIGKILL not in self.expected

    def told_to_stop(self) -> None:
        """A second time it leaves at once; before it listens to signals the first one ends it."""
        self.struck(signal.SIGTERM, *((1,) if 0 in self.expected else (0, -signal.SIGTERM)))
