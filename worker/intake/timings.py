"""How often and how long the intake waits, and by which clock."""

from collections.abc import Callable
from dataclasses import dataclass

from worker import clocks


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds by `clock`, but for `commit_after`: so many finished records make a commit due earlier.

    `short_poll` is for a while in which a partition is left unread: it has room again long before the others have
    anything to read. `agreed_after`: the brokers contradict each other, as they may while a partition's leader changes.
    """

    poll: float = 0.2
    short_poll: float = 0.02
    renew_every: float = 60.0
    commit_every: float = 0.5
    commit_after: int = 1_000
    kafka_within: float = 5.0
    kafka_again_after: float = 0.5
    restore_again_after: float = 5.0
    look_again_after: float = 5.0
    agreed_after: float = 1.0
    clock: Callable[[], float] = clocks.monotonic
