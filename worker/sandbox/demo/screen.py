"""What a person sees while it runs: on a terminal a bar below the lines, elsewhere the lines alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from worker.sandbox.demo.endings import Ending

LINES = 50
"""A larger number of events gets a line for every tenth of them alone."""


class Screen:
    """Lines go to the console as they come."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total = self._done = 0
        self._began = time.monotonic()

    def tell(self, line: str) -> None:
        """One step on the way."""
        self._progress.console.print(Text(line), soft_wrap=True)

    def begin(self, what: str, total: int) -> None:
        """So many events are published now."""
        self.tell(f"publishing {total} {what}")
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total, rate="")
        self._total, self._done, self._began = total, 0, time.monotonic()

    def ended(self, name: str, ending: Ending) -> None:
        """One of them ended."""
        self._done += 1
        rate = f"{self._done / (time.monotonic() - self._began):.0f} events/s"
        if self._total <= LINES:
            self.tell(f"  {name}: {ending.outcome} {ending.reason or ending.customer_id}")
        elif self._done % max(1, self._total // 10) == 0:
            self.tell(f"  {self._done} of {self._total} ended, {rate}")
        if self._task is not None:
            self._progress.update(self._task, completed=self._done, rate=rate if self._total > LINES else "")

    def close(self) -> None:
        """The bar goes; lines may still come."""
        self._progress.stop()


@contextmanager
def screen(console: Console) -> Iterator[Screen]:
    """The bar is gone when it ends, the lines stay."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]}", markup=False)
    with Progress(*columns, rate, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Screen(progress)
