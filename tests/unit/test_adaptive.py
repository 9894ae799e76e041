"""How many calls at once an API bears, found in virtual time: a closed loop of callers against a model of it."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.creation.adaptive import AFTER_A_REFUSAL, LEAST, START, Adaptive

MOST = 64


@dataclass
class Fixed:
    """As many as it was told, whatever is answered."""

    limit: int

    def answered(self, began, now, *, full):
        pass

    def refused(self, began, now):
        pass


@dataclass
class Api:
    """Serves up to `knee` calls at once, the others wait; beyond `refuses` it says that it has no room."""

    seconds: Callable[[float], float] = lambda _: 0.05
    knee: int | None = None
    refuses: int | None = None
    spread: float = 0.1
    random: Random = field(default_factory=lambda: Random(7))  # noqa: S311  a model's chance

    def serves_for(self, now):
        return self.seconds(now) * self.random.lognormvariate(0, self.spread)


@dataclass
class Played:
    """Callers that always have something to send, until a time; a refusal takes 5 ms."""

    limit: Any
    api: Api
    seconds: float = 60.0
    warm: float = 20.0
    now: float = 0.0
    in_flight: int = 0
    busy: int = 0
    refusals: int = 0
    took: list[float] = field(default_factory=list)
    events: list[tuple[float, int, bool, float, bool]] = field(default_factory=list)
    queue: deque[tuple[float, bool]] = field(default_factory=deque)
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self):
        while self.now < self.seconds:
            while self.in_flight < self.limit.limit:
                self.call()
            self.now, _, served, began, full = heapq.heappop(self.events)
            self.in_flight -= 1
            self.end(began, full) if served else self.refuse(began)

    def call(self):
        self.in_flight += 1
        full = self.in_flight >= self.limit.limit
        if self.api.refuses and self.in_flight > self.api.refuses:
            heapq.heappush(self.events, (self.now + 0.005, next(self.numbers), False, self.now, full))
        elif self.api.knee is None or self.busy < self.api.knee:
            self.serve(self.now, full)
        else:
            self.queue.append((self.now, full))

    def serve(self, began, full):
        self.busy += 1
        heapq.heappush(self.events, (self.now + self.api.serves_for(self.now), next(self.numbers), True, began, full))

    def refuse(self, began):
        self.refusals += 1
        self.limit.refused(began, self.now)

    def end(self, began, full):
        self.busy -= 1
        if self.queue:
            self.serve(*self.queue.popleft())
        if self.now > self.warm:
            self.took.append(self.now - began)
        self.limit.answered(began, self.now, full=full)

    @property
    def rate(self):
        return len(self.took) / (self.seconds - self.warm)

    @property
    def p99(self):
        return sorted(self.took)[int(len(self.took) * 0.99)]


@pytest.mark.parametrize("spread", [0.05, 0.2, 0.5])
def test_an_api_with_a_knee(spread):
    """As much as the best fixed number does, without knowing it, and hardly slower; it is never refused."""
    best = Played(Fixed(20), Api(knee=20, refuses=40, spread=spread))
    found = Played(Adaptive(MOST), Api(knee=20, refuses=40, spread=spread))
    assert found.rate >= 0.95 * best.rate
    assert found.p99 <= 1.5 * best.p99
    assert found.refusals == 0


@pytest.mark.parametrize("spread", [0.0, 0.2, 0.5])
def test_an_api_without_a_knee(spread):
    """As much as the most."""
    best = Played(Fixed(MOST), Api(spread=spread))
    assert Played(Adaptive(MOST), Api(spread=spread)).rate >= 0.97 * best.rate


@pytest.mark.parametrize(("seconds", "within"), [(0.005, 6), (0.05, 20), (0.5, 60)])
def test_how_soon(seconds, within):
    """Within a minute, whatever calls take."""
    api = Api(lambda _: seconds, knee=20, refuses=40)
    assert 15 <= Played(Adaptive(MOST), api, seconds=within, warm=0).limit.limit <= 32
    assert Played(Adaptive(MOST), Api(lambda _: seconds), seconds=within, warm=0).limit.limit >= 60


def test_an_api_that_becomes_slower_for_everybody():
    """That is no overload: after the next dip there are as many calls as before."""
    found = Played(Adaptive(MOST), Api(lambda now: 0.05 if now < 60 else 0.15), seconds=180, warm=120)
    assert found.rate >= 0.95 * MOST / 0.15


def test_an_api_that_gets_room():
    """It creeps up again."""
    api = Api(knee=10)
    limit = Adaptive(MOST)
    assert Played(limit, api, seconds=30, warm=10).limit.limit <= 16
    api.knee = None
    assert Played(limit, api, seconds=60, warm=30).limit.limit >= 60


def test_refusals_alone():
    """An API that is as fast as ever until it refuses."""
    found = Played(Adaptive(MOST), Api(refuses=30))
    assert found.rate >= 0.75 * 30 / 0.05
    assert found.refusals <= 0.05 * found.rate * 60


def test_one_refusal():
    """Less at once, and once for all that had begun before."""
    limit = Adaptive(MOST)
    for number in range(LEAST):
        limit.answered(0.0, 0.05 + number / 1000, full=True)
    assert limit.limit == 2 * START
    limit.refused(1.0, 1.1)
    limit.refused(1.05, 1.2)
    assert limit.limit == int(2 * START * AFTER_A_REFUSAL)


def test_little_to_do():
    """Calls that were fewer than there may be say nothing of more."""
    limit = Adaptive(MOST)
    for number in range(1000):
        limit.answered(number, number + 0.05, full=False)
    assert limit.limit == START


ANSWERS = st.lists(st.tuples(st.floats(0, 2), st.floats(0, 40), st.booleans(), st.sampled_from("aaar")), max_size=200)


@settings(max_examples=50)
@given(st.integers(1, MOST), ANSWERS)
def test_any_answers(most, answers):
    """Never above the most, never below one."""
    limit, now = Adaptive(most), 0.0
    for gap, took, full, kind in answers:
        now += gap
        if kind == "r":
            limit.refused(now - took, now)
        else:
            limit.answered(now - took, now, full=full)
        assert 1 <= limit.limit <= most
