"""A loop or a consumer that stands still is told; a slow one is not."""

from worker.ops.watchdog import CONSUMER_STALLED, LOOP_STALLED, REMEMBERED, TICK, Watchdog


class Running:
    """A watchdog over a clock that the test sets."""

    def __init__(self):
        self.now = 1000.0
        self.polled = None
        self.watchdog = Watchdog(lambda: self.polled, lambda: self.now)
        self.watchdog._due = self.now + TICK

    def tick(self, lag=0.0):
        self.now += TICK + lag
        self.watchdog.ticked()
        self.watchdog._due = self.now + TICK


def test_a_loop_that_turns():
    """Its worst lag of late is told, and forgotten."""
    running = Running()
    running.tick(0.3)
    running.tick(0.1)
    assert round(running.watchdog.loop_lag(), 3) == 0.3
    for _ in range(int(REMEMBERED / TICK) + 1):
        running.tick()
    assert running.watchdog.loop_lag() == 0
    assert running.watchdog.stalled() is None


def test_a_loop_that_stands_still():
    """It is told by whoever gets a word in before the next tick, and for a little while after."""
    running = Running()
    running.tick()
    running.now += TICK + LOOP_STALLED
    assert "event loop stood still" in (running.watchdog.stalled() or "")
    running.watchdog.ticked()
    running.watchdog._due = running.now + TICK
    assert "event loop stood still" in (running.watchdog.stalled() or "")
    for _ in range(int(LOOP_STALLED / TICK) + 1):
        running.tick()
    assert running.watchdog.stalled() is None
    assert running.watchdog.loop_lag() >= LOOP_STALLED


def test_a_consumer_that_is_not_meant_to_turn():
    """Before Kafka is there and while the worker drains nothing is expected of it."""
    running = Running()
    for _ in range(1000):
        running.tick()
    assert running.watchdog.stalled() is None


def test_a_consumer_that_stands_still():
    """It is told until it turns again."""
    running = Running()
    running.polled = running.now
    while running.now < running.polled + CONSUMER_STALLED - 1:
        running.tick()
    assert running.watchdog.stalled() is None
    running.tick()
    running.tick()
    assert "consumer" in (running.watchdog.stalled() or "")
    running.polled = running.now
    assert running.watchdog.stalled() is None
