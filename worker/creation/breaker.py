"""When failures in a row are an outage, and who may try the API next while it lasts: decisions alone, no waiting."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from worker import clocks
from worker.creation.backoff import Backoff

LONGEST_PAUSE = 1.0


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row; once `open` one caller at a time goes through, the probe, after a backed-off wait.

    Only the answer to a POST closes it: that other calls are answered does not say that customers can be created.
    """

    after_failures: int
    backoff: Backoff
    draw: Callable[[], float] = clocks.draw
    failures: int = 0
    probes: int = 0
    open: bool = False
    failing: set[Hashable] = field(default_factory=set)
    next_probe: float = field(default=math.inf)

    def failed(self, now: float, who: Hashable = None, *, at_once: bool, probe: bool) -> None:
        """One more failure; `at_once` opens whatever the count."""
        if who is not None:
            self.failing.add(who)
        if self.open and not probe:
            return  # begun before it opened: the next probe waits no longer for it
        self.failures += 1
        self.open = self.open or at_once or self.failures >= self.after_failures
        if self.open:
            self.probes += 1
            # Half fixed, half drawn: a probe comes neither at once nor in step with the other replicas'.
            self.next_probe = now + self.backoff.ceiling(self.probes) * (0.5 + self.draw() / 2)

    def passed_on(self, now: float, *, probe: bool) -> None:
        """The permission says nothing of POSTs: where it was the probe, the next caller may go at once."""
        if probe and self.open:
            self.next_probe = now

    def answered(self) -> None:
        """A POST was answered, so that there is no outage."""
        self.failures = self.probes = 0
        self.open = False
        self.next_probe = math.inf
        self.failing.clear()

    def wait(self, now: float) -> float:
        """Seconds until the caller may try; 0 is the permission itself, and nobody else's until it is given back."""
        if not self.open:
            return 0.0
        if now < self.next_probe:
            return min(self.next_probe - now, LONGEST_PAUSE)
        self.next_probe = math.inf
        return 0.0

    def is_due(self, now: float) -> bool:
        """Whether the next probe may begin."""
        return self.open and now >= self.next_probe
