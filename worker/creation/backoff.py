"""When to try again: exponential back-off with full jitter, as a frozen value; the loop is elsewhere."""

from dataclasses import dataclass

MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits in seconds: the n-th is drawn between 0 and `base * 2**(n-1)`, never above `maximum`."""

    base: float
    maximum: float

    def ceiling(self, failures: int) -> float:
        """The longest wait after that many failures (1 or more)."""
        return min(self.maximum, self.base * float(2 ** min(failures - 1, MAX_DOUBLINGS)))

    def delay(self, failures: int, draw: float, at_least: float | None = None) -> float:
        """The wait in seconds, for a `draw` from [0, 1). `at_least`, from the server, is honoured up to `maximum`."""
        return max(self.ceiling(failures) * draw, min(at_least or 0.0, self.maximum))
