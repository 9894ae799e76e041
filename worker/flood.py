"""Tells when nearly everything is being refused: then something is wrong that no dead letter will mend (design 4.9)."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Flood:
    """The share of refused ones among the last `window` answers; it is judged only when that many are there."""

    ratio: float
    window: int
    _last: deque[bool] = field(default_factory=deque)
    _refused: int = 0

    def seen(self, *, refused: bool) -> bool:
        """One more answer; True while the flood is on. One customer that is created ends it."""
        if self.is_on() and not refused:
            self._last.clear()
            self._refused = 0
            return False
        self._last.append(refused)
        self._refused += refused
        if len(self._last) > self.window:
            self._refused -= self._last.popleft()
        return self.is_on()

    def is_on(self) -> bool:
        """Nearly all of the last answers were refusals."""
        return len(self._last) >= self.window and self._refused >= self.ratio * self.window
