"""How far something is that takes longer than a page, and why it ended without what was asked for."""

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
    """What is being done now; `total` is 0 where there is nothing to be counted."""

    what: str = "beginning"
    done: int = 0
    total: int = 0

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Advance]:
        """One thing after the other."""
        self.what, self.done, self.total = what, 0, total

        def advance(more: int) -> None:
            self.done += more

        yield advance


def why(error: Exception) -> str:
    """For a person. Errors of ours hold nothing of a customer; of any other only the place is logged."""
    match error:
        case WorkerError():
            return str(error)
        case TimeoutError():
            return TOO_LONG
        case _:
            log.error("work.crashed", error=type(error).__name__, where=where(error))
            return CRASHED
