"""How many calls at once the API bears, found by its answers; pure, in the time of whoever tells it.

Up while calls take no longer than with half as many, down in proportion where they do, and at once where the API
refuses or does not answer (docs: sizing, as much as the API bears). Times are seconds of any one clock.
"""

from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Final

START: Final = 4
TOLERATED: Final = 1.15
"""Calls may take so many times as long as with half as many: the rest is chance."""
MOST_AT_ONCE: Final = 0.5
"""No latency takes more than that share of the limit at once."""
OUTLIER: Final = 4.0
"""Times the median: what took longer counts as that."""
AFTER_A_REFUSAL: Final = 0.7
LEAST: Final = 16
"""Answers that are judged together at least; otherwise one for each call that there may be at once."""
DIP_EVERY: Final = 30.0
DIP_EVERY_CALLS: Final = 200
"""So many calls one after another lie between two dips at least, where calls are slow."""
FIRST_DIP: Final = 2.0
FIRST_DIP_CALLS: Final = 20
DIP_ROUNDS: Final = 3
"""What all later rounds are compared with has to be known better than one of them."""


@dataclass(slots=True)
class Adaptive:
    """`limit` is between 1 and `most`.

    From time to time the limit is halved for some rounds (a dip): what calls take then is what they are compared with,
    so that an API that has become slower for everybody is not taken for one that is overloaded by us.
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
        """A call that began then was answered; `full`: it was one of as many as there may be.

        What began before the limit was changed tells nothing of the limit.
        """
        if began < self._round_began:
            return
        self._taken.append(now - began)
        self._was_full = self._was_full or full
        rounds = 1 if self._back_to is None else DIP_ROUNDS
        if len(self._taken) >= max(LEAST, self.limit) * rounds:
            self._judge(_typical(self._taken), now)

    def refused(self, began: float, now: float) -> None:
        """The API had no room for it, or was not heard of again: less at once, and once for all that began before."""
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
        """By how many times as long as usual calls took, which has to be so in two rounds: one may be chance."""
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
        """What calls take with so few at once: with more of them that is what they are compared with."""
        self._usual, self._usual_at, self._next_dip = took, self._exact, now + dips_in

    def _go(self, limit: float, now: float) -> None:
        """Begin a round with that limit."""
        self._exact = min(float(self.most), max(1.0, limit))
        self.limit = int(self._exact)
        self._round_began, self._was_full = now, False
        self._taken.clear()


def _typical(taken: list[float]) -> float:
    """The mean, since a queue shows in the slowest first; but one call that hangs says nothing of all."""
    most = OUTLIER * median(taken)
    return fmean(min(each, most) for each in taken)
