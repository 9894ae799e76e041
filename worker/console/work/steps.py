"""How far something is that takes longer than a page, and why it ended without a result."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from worker.logs import where
from worker.model.errors import WorkerError
from worker.tools.reading.progress import Advance

log = structlog.get_logger()
CRASHED = "an error of the console's own; its log says where"
TOO_LONG = "no answer came in time"


@dataclass(slots=True)
class Steps:
    """The present step; `total` is 0 where there is nothing to count."""

    what: str = "beginning"
    done: int = 0
    total: int = 0

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Advance]:
        """Begin a step, after the one before."""
        self.what, self.done, self.total = what, 0, total

        def advance(more: int) -> None:
            self.done += more

        yield advance


def why(error: Exception) -> str:
    """The error for a person. Our own errors hold nothing of a customer; of others only the place is logged."""
    match error:
        case WorkerError():
            return str(error)
        case TimeoutError():
            return TOO_LONG
        case _:
            log.error("work.crashed", error=type(error).__name__, where=where(error))
            return CRASHED
