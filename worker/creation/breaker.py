"""Decides when failures in a row are an outage, and who may try the API next while it lasts; it never waits itself."""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from worker import clocks
from worker.creation.backoff import Backoff

LONGEST_PAUSE = 1.0


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row.

    Once it is `open` one caller at a time, the probe, goes through after a backed-off wait.

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
        """Count a failure, of `who`; `at_once` opens the breaker whatever the count. `probe`: it was the probe's."""
        if who is not None:
            self.failing.add(who)
        if self.open and not probe:
            return  # the call began before the breaker opened: it does not delay the next probe
        self.failures += 1
        self.open = self.open or at_once or self.failures >= self.after_failures
        if self.open:
            self.probes += 1
            # Half fixed, half drawn: a probe comes neither at once nor in step with the other replicas'.
            self.next_probe = now + self.backoff.ceiling(self.probes) * (0.5 + self.draw() / 2)

    def passed_on(self, now: float, *, probe: bool) -> None:
        """The caller ended without an answer to a POST; if it was the probe, the next caller may go at once."""
        if probe and self.open:
            self.next_probe = now

    def answered(self) -> None:
        """Close the breaker: a POST was answered, so that there is no outage."""
        self.failures = self.probes = 0
        self.open = False
        self.next_probe = math.inf
        self.failing.clear()

    def wait(self, now: float) -> float:
        """Seconds until the caller may ask again; 0 is the permission.

        During an outage nobody else gets a permission until that one is given back.
        """
        if not self.open:
            return 0.0
        if now < self.next_probe:
            return min(self.next_probe - now, LONGEST_PAUSE)
        self.next_probe = math.inf
        return 0.0

    def is_due(self, now: float) -> bool:
        """Whether the next probe may begin."""
        return self.open and now >= self.next_probe
