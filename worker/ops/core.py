"""How much of a CPU core the event loop has used of late: it cannot use more than one."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from worker import clocks

MARKS = 10
FULL = 0.9


@dataclass(eq=False, slots=True)
class Core:
    """Call `mark` in the loop's own thread, at regular times; both clocks are seconds."""

    clock: Callable[[], float] = clocks.monotonic
    used: Callable[[], float] = time.thread_time
    _marks: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=MARKS))

    def mark(self) -> None:
        """Note how much CPU time was used until now."""
        self._marks.append((self.clock(), self.used()))

    def is_full(self) -> bool:
        """Whether the loop used nearly all of a core between the oldest mark that is kept and the youngest.

        False until there are enough marks: a worker that has just started is busy with that.
        """
        if len(self._marks) < MARKS:
            return False
        (began, before), (ended, after) = self._marks[0], self._marks[-1]
        return after - before >= FULL * (ended - began)
