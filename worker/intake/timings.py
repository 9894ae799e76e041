"""How often and how long the intake waits, and by which clock."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks


@dataclass(frozen=True, slots=True)
class Timings:
    """Durations are seconds by `clock`; `commit_after` is how many finished records make a commit due earlier.

    A poll waits for `poll`, and for `short_poll` while a partition is left unread: that one has room again long before
    the others have anything to read. `commit_every`: after a crash, the next owner publishes again what ended since the
    last commit. `agreed_after`: the wait when the brokers contradict each other, as they may while a partition's leader
    changes.
    """

    poll: float = 0.1
    short_poll: float = 0.02
    renew_every: float = 60.0
    commit_every: float = 0.1
    commit_again_after: float = 0.5
    commit_after: int = 1_000
    kafka_within: float = 5.0
    kafka_again_after: float = 0.5
    restore_again_after: float = 5.0
    look_again_after: float = 5.0
    agreed_after: float = 1.0
    clock: Callable[[], float] = clocks.monotonic
