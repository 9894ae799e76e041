"""Tells when nearly everything is being refused: then something is wrong that no dead letter will mend."""

from collections import deque
from dataclasses import dataclass, field

from worker.model.errors import Flooded
from worker.model.outcomes import Failed


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API's own word that it made no customer of a command, and will make none of it.

    Of all results of an attempt this one alone may be disbelieved. A customer that was made, or may have been, is of
    another type, so that no flood can have it sent again.
    """

    outcome: Failed


@dataclass(slots=True)
class Flood:
    """The share of refusals among the last `window` answers; it is judged only when that many are there."""

    ratio: float
    window: int
    _last: deque[bool] = field(default_factory=deque)
    _refused: int = 0

    def judge(self, refusal: Refusal) -> Refusal:
        """The refusal, if it is believed; Flooded where nearly all of the last answers were refusals."""
        self._add(refused=True)
        if self.is_on():
            raise Flooded("nearly every customer is being refused")
        return refusal

    def created(self) -> None:
        """Count a customer that was made: that ends a flood, and begins none."""
        was_on = self.is_on()
        self._add(refused=False)
        if was_on or self.is_on():
            self._last.clear()
            self._refused = 0

    def is_on(self) -> bool:
        """Whether nearly all of the last answers were refusals."""
        return len(self._last) >= self.window and self._refused >= self.ratio * self.window

    def _add(self, *, refused: bool) -> None:
        self._last.append(refused)
        self._refused += refused
        if len(self._last) > self.window:
            self._refused -= self._last.popleft()
