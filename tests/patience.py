"""How long a test waits for what comes at once on an idle machine."""

import asyncio
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 100
"""Seconds after which it hangs. No test that passes waits for it, so that it costs nothing.

Where a time is what is tried, another number stands there, and measures nothing else.
"""


async def until(condition: Callable[[], bool], *, within: float = PATIENCE, every: float = 0.05) -> None:
    """Return when that has come about; TimeoutError after so many seconds."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(every)


async def turns(count: int = 50) -> None:
    """Let everything that is ready run, and what that makes ready, so many times over: no clock is waited for."""
    for _ in range(count):
        await asyncio.sleep(0)
