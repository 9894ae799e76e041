"""Shows how far a command is: a bar on a terminal, nothing elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

from worker.terminal.screen import PlainConsole

Advance = Callable[[int], None]
"""Called with how much more is done."""
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""Shows what is being done, and how much of it there is, while it is entered."""


@contextmanager
def unseen(_what: str, _total: int) -> Iterator[Advance]:
    """Progress that is not shown."""
    yield lambda _: None


def offsets_bar(what: str, total: int) -> AbstractContextManager[Advance]:
    """A bar for offsets of topics; what is read again makes it longer."""
    return bar(total, TextColumn(what, markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def events_bar(what: str, total: int) -> AbstractContextManager[Advance]:
    """A bar for the bytes of events; each step is one event."""
    events = TextColumn(f"events {what}: {{task.fields[steps]}}", markup=False)
    return bar(total, events, BarColumn(), DownloadColumn(), TransferSpeedColumn())


@contextmanager
def bar(total: int | None, *columns: ProgressColumn, console: Console | None = None) -> Iterator[Advance]:
    """A progress bar, which disappears in the end."""
    shown_on = console or PlainConsole(stderr=True)
    with Bars(*columns, console=shown_on, disable=not shown_on.is_terminal, transient=True) as shown:
        task = shown.add_task("", total=total, steps=0)
        done = steps = 0

        def advance(more: int) -> None:
            nonlocal done, steps
            done, steps = done + more, steps + 1
            shown.update(task, completed=done, total=total and max(total, done), steps=steps)

        yield advance
