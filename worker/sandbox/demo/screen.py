"""Shows the progress to a person: lines, and on a terminal a bar below them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from worker.sandbox.demo.endings import Ending

LINES = 50
"""Up to so many events get a line each; with more there is a line for every tenth of them."""


class Screen:
    """Prints lines as they come, and moves the bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total = self._done = 0
        self._began = time.monotonic()

    def tell(self, line: str) -> None:
        """Print one line."""
        self._progress.console.print(Text(line), soft_wrap=True)

    def begin(self, what: str, total: int) -> None:
        """Tell that `total` events are published now, and begin a bar for them."""
        self.tell(f"publishing {total} {what}")
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total, rate="")
        self._total, self._done, self._began = total, 0, time.monotonic()

    def ended(self, name: str, ending: Ending) -> None:
        """Tell that one of the events has ended."""
        self._done += 1
        rate = f"{self._done / (time.monotonic() - self._began):.0f} events/s"
        if self._total <= LINES:
            self.tell(f"  {name}: {ending.outcome} {ending.reason or ending.customer_id}")
        elif self._done % max(1, self._total // 10) == 0:
            self.tell(f"  {self._done} of {self._total} ended, {rate}")
        if self._task is not None:
            self._progress.update(self._task, completed=self._done, rate=rate if self._total > LINES else "")

    def close(self) -> None:
        """Remove the bar; lines may still be printed."""
        self._progress.stop()


@contextmanager
def screen(console: Console) -> Iterator[Screen]:
    """Yield a screen; its bar is removed at the end, its lines stay."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    rate = TextColumn("{task.fields[rate]}", markup=False)
    with Progress(*columns, rate, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Screen(progress)
