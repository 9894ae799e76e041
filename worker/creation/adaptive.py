"""Finds how many calls at once the API bears, from its answers; pure, and without a clock of its own.

The limit rises while calls take no longer than with half as many at once, falls in proportion where they take longer,
and falls at once where the API refuses (docs: sizing, as much as the API bears). Times are seconds of any one clock.
"""

from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Final

START: Final = 4
TOLERATED: Final = 1.15
"""Calls may take up to so many times as long as usual without counting as longer: that much is chance."""
MOST_AT_ONCE: Final = 0.5
"""Slow answers lower the limit at most to this share of it at a time."""
OUTLIER: Final = 4.0
"""A call counts as taking at most so many times the median."""
AFTER_A_REFUSAL: Final = 0.7
LEAST: Final = 16
"""At least so many answers are judged together, as one round; where the limit is higher, as many as that."""
DIP_EVERY: Final = 30.0
DIP_EVERY_CALLS: Final = 200
"""Two dips are at least so many durations of a call apart, which counts where calls are slow."""
FIRST_DIP: Final = 2.0
FIRST_DIP_CALLS: Final = 20
DIP_ROUNDS: Final = 3
"""How many rounds a dip lasts: what all later rounds are compared with has to be known better than one of them."""


@dataclass(slots=True)
class Adaptive:
    """Finds the `limit` of calls at once, between 1 and `most`.

    From time to time the limit is halved for some rounds (a dip). How long calls take then is what later rounds are
    compared with, so that an API that has become slower for everybody is not taken for one that we overload.
    """

    most: int
    limit: int = field(init=False)
    _exact: float = field(init=False)
    _usual: float | None = None
    _usual_at: float = 0.0
    _round_began: float = 0.0
    _taken: list[float] = field(default_factory=list)
    _was_full: bool = False
    _climbs: bool = True
    _next_dip: float = 0.0
    _back_to: float | None = None
    _longer: float = 1.0

    def __post_init__(self) -> None:
        self._exact = float(min(START, self.most))
        self.limit = int(self._exact)

    def answered(self, began: float, now: float, *, full: bool) -> None:
        """Count a call that began at `began` and was answered at `now`.

        `full`: as many calls as allowed were under way.

        A call that began before the limit was last changed is left out: it says nothing of this limit.
        """
        if began < self._round_began:
            return
        self._taken.append(now - began)
        self._was_full = self._was_full or full
        rounds = 1 if self._back_to is None else DIP_ROUNDS
        if len(self._taken) >= max(LEAST, self.limit) * rounds:
            self._judge(_typical(self._taken), now)

    def refused(self, began: float, now: float) -> None:
        """Lower the limit at once: the API had no room for the call. Once for all that began before, not for each."""
        if began >= self._round_began:
            self._climbs, self._back_to = False, None
            self._go(self._exact * AFTER_A_REFUSAL, now)

    def _judge(self, took: float, now: float) -> None:
        if self._back_to is not None:
            self._dip_over(took, now)
        elif not self._was_full:
            self._go(self._exact, now)
        elif self._usual is None or self._exact <= self._usual_at:
            self._learn(took, now, max(FIRST_DIP, FIRST_DIP_CALLS * took))
            self._move(1.0, now)
        elif now >= self._next_dip and not self._climbs:
            self._back_to = self._exact
            self._go(self._exact / 2, now)
        else:
            self._move(took / self._usual, now)

    def _move(self, longer: float, now: float) -> None:
        """Change the limit, given how many times as long as usual the calls of a round took.

        It is lowered only after two such rounds: one may be chance.
        """
        before, self._longer = self._longer, max(1.0, longer)
        if longer <= TOLERATED:
            self._go(2 * self._exact if self._climbs else self._exact + 1, now)
            self._climbs = self._climbs and self.limit < self.most
        elif before <= TOLERATED:
            self._go(self._exact, now)
        else:
            self._climbs, self._longer = False, 1.0
            self._go(self._exact * max(MOST_AT_ONCE, TOLERATED / min(before, longer)), now)

    def _dip_over(self, took: float, now: float) -> None:
        back, self._back_to = self._back_to, None
        self._learn(took, now, max(DIP_EVERY, DIP_EVERY_CALLS * took))
        self._go(back or self._exact, now)

    def _learn(self, took: float, now: float, dips_in: float) -> None:
        """Keep how long calls take at this limit: rounds with more calls at once are compared with that."""
        self._usual, self._usual_at, self._next_dip = took, self._exact, now + dips_in

    def _go(self, limit: float, now: float) -> None:
        """Begin a round with that limit."""
        self._exact = min(float(self.most), max(1.0, limit))
        self.limit = int(self._exact)
        self._round_began, self._was_full = now, False
        self._taken.clear()


def _typical(taken: list[float]) -> float:
    """The mean, since a queue shows in the slowest first; a call that hangs is cut off, as it says nothing of all."""
    most = OUTLIER * median(taken)
    return fmean(min(each, most) for each in taken)
