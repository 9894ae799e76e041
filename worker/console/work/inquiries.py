"""Readings for pages that may take longer than a page may: each is begun once, and kept for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from worker import clocks
from worker.console.work.steps import Steps, why

Answer = TypeVar("Answer")
KEPT = 100
AT_ONCE = 3
LASTS = 20.0
"""Seconds for which an answer is given again; or WORTH times as long as it took, if that is longer."""
WORTH = 5.0
TROUBLED = 5.0
"""Seconds for which it is said again that there is none: what was away may be there by now."""
PATIENCE = 0.8


@dataclass(slots=True)
class Inquiry(Generic[Answer]):
    """One reading; `answer` is None until it is there, `trouble` says why there will be none.

    `at` is when it ended, in seconds since the epoch: the answer may be shown minutes later.
    """

    steps: Steps = field(default_factory=Steps)
    answer: Answer | None = None
    trouble: str | None = None
    ended: float | None = None
    at: float = 0.0
    until: float = 0.0
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True)
class Inquiries:
    """Readings, a few at a time; those that nobody has asked for lately are dropped."""

    _known: OrderedDict[Hashable, Inquiry[Any]] = field(default_factory=OrderedDict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def ask(
        self, about: Hashable, read: Callable[[Steps], Awaitable[Answer]], patience: float = PATIENCE
    ) -> Inquiry[Answer]:
        """What is known by now; whoever asks again later may learn more.

        Waits up to `patience` seconds for the answer.
        """
        inquiry = self._known.get(about)
        if inquiry is None or (inquiry.ended is not None and clocks.monotonic() > inquiry.until):
            inquiry = self._begin(about, read)
        self._known.move_to_end(about)
        if inquiry.task and patience:
            await asyncio.wait({inquiry.task}, timeout=patience)
            if self._known.get(about) is not inquiry:
                return await self.ask(about, read, 0)  # what it was reading was forgotten meanwhile
        return cast("Inquiry[Answer]", inquiry)

    def _begin(self, about: Hashable, read: Callable[[Steps], Awaitable[Answer]]) -> Inquiry[Answer]:
        inquiry: Inquiry[Answer] = Inquiry()
        self._known[about] = inquiry
        inquiry.task = asyncio.create_task(self._find_out(inquiry, read), name="inquiry")
        while len(self._known) > KEPT:
            _, oldest = self._known.popitem(last=False)
            if oldest.task:
                oldest.task.cancel()
        return inquiry

    async def _find_out(self, inquiry: Inquiry[Answer], read: Callable[[Steps], Awaitable[Answer]]) -> None:
        async with self._slots:
            began = clocks.monotonic()
            try:
                inquiry.answer = await read(inquiry.steps)
            except Exception as error:  # noqa: BLE001  the page tells that there is no answer
                inquiry.trouble = why(error)
            inquiry.ended, inquiry.at = clocks.monotonic(), clocks.epoch()
            inquiry.until = inquiry.ended + _lasts(inquiry, inquiry.ended - began)

    def forget(self) -> None:
        """Drop all readings, also those under way: something was done, and they are out of date.

        New ones begin anew.
        """
        for each in self._known.values():
            if each.task:
                each.task.cancel()
        self._known.clear()

    async def close(self) -> None:
        """Cancel all readings."""
        tasks = [each.task for each in self._known.values() if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _lasts(inquiry: Inquiry[Any], took: float) -> float:
    return TROUBLED if inquiry.trouble else max(LASTS, WORTH * took)
