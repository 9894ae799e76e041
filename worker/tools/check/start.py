"""The check of where the group begins or goes on, and how many records wait for it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from worker.counting import counted
from worker.model.errors import WorkerError
from worker.tools.check.line import Check, Line, not_tried


class Backlog(Protocol):
    """The group's backlog; numbers of records are upper bounds."""

    @property
    def partitions(self) -> int: ...
    @property
    def begins(self) -> int:
        """How many partitions the group has never read."""

    @property
    def beginning(self) -> int:
        """How many records there are in those, from where the group begins them."""

    @property
    def waiting(self) -> int:
        """How many records wait in all other partitions."""

    @property
    def lost(self) -> tuple[str, ...]: ...


def start(asked: Callable[[], Awaitable[Backlog | None]], setting: str) -> Check:
    """The check of where the group begins; `setting` says it for a new group."""

    async def check() -> AsyncIterator[Line]:
        try:
            found = await asked()
        except WorkerError as error:
            yield not_tried("start", str(error))
            return
        if found is None:
            yield not_tried("start", "there is no topic to begin")
            return
        for why in found.lost:
            yield Line("start", "failed", why)
        if found.begins:
            some = (
                ""
                if found.begins == found.partitions
                else f"{found.begins} of {counted(found.partitions, 'partition')}: "
            )
            begins = f"{some}begins at {setting} (WORKER_KAFKA__START), {counted(found.beginning, 'record')} at most"
            yield Line("start", "ok", f"{begins}, unless its journal knows some")
        if found.begins + len(found.lost) < found.partitions:
            yield Line(
                "start", "ok", f"goes on where it is, {counted(found.waiting, 'record waits', 'records wait')} at most"
            )

    return check
