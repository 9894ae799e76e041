"""How much of a core the event loop has taken of late: it cannot take more than one."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from worker import clocks

MARKS = 10
FULL = 0.9


@dataclass(eq=False, slots=True)
class Core:
    """`mark` it from the loop's own thread, at regular times; both clocks are seconds."""

    clock: Callable[[], float] = clocks.monotonic
    used: Callable[[], float] = time.thread_time
    _marks: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MARKS))

    def mark(self) -> None:
        """Note how much CPU time was used until now."""
        self._marks.append((self.clock(), self.used()))

    def is_full(self) -> bool:
        """From the oldest mark that is kept to the youngest; a worker that has just started is busy with that."""
        if len(self._marks) < MARKS:
            return False
        (began, before), (ended, after) = self._marks[0], self._marks[-1]
        return after - before >= FULL * (ended - began)
