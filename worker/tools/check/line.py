"""What a check says: what was looked at, how it is, and what to do about it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from worker.model.errors import WorkerError
from worker.terminal.text import document

# Seconds that any line may take at most; each question has its own, shorter time limit.
WITHIN = 90.0

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Line:
    """What was checked, how it is, and what to do about it."""

    check: str
    state: State
    detail: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.state:<8}{self.check}: {self.detail}" + (f"; {self.advice}" if self.advice else "")

    def as_json(self) -> str:
        """The line as a JSON document."""
        return document(asdict(self))


# Yields each line as soon as it is known; raises nothing that it can say in a line.
Check = Callable[[], AsyncIterator[Line]]


async def lines(checks: Sequence[Check]) -> AsyncIterator[Line]:
    """The lines of all checks, whatever the earlier ones brought."""
    for check in checks:
        asked = check()
        try:
            while line := await _next(asked):
                yield line
        except TimeoutError:
            yield Line("deadline", "failed", f"no answer within {WITHIN:g} s")


async def _next(asked: AsyncIterator[Line]) -> Line | None:
    async with asyncio.timeout(WITHIN):
        return await anext(asked, None)


async def said(name: str, asking: Awaitable[Line], advice: str = "") -> Line:
    """The line that is asked for, or a failed line with the error."""
    try:
        return await asking
    except WorkerError as error:
        return Line(name, "failed", str(error), advice)


def not_tried(name: str, why: str) -> Line:
    """A warning that nothing is known of it."""
    return Line(name, "warning", f"not tried: {why}")


def exit_code(seen: Sequence[Line]) -> int:
    """1 after a failed line; warnings do not count."""
    return int(any(line.state == "failed" for line in seen))
